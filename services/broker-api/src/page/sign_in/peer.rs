//! One platform: its users, and what they may see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AccessToken, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};
use page_keys::{Begun, Right};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use super::cloud_controller::{Endpoints, Trouble, endpoints, right, sign_in_server};
use super::outside::{Outside, Unreached};
use crate::platforms::DashboardClient;

/// The least that is needed to ask Cloud Controller what the user may see (cloudfoundry/docs-services, "Dashboard Single Sign-On").
const SCOPES: [&str; 2] = ["openid", "cloud_controller_service_permissions.read"];
/// How long it is known where users sign in.
const KNOWN: Duration = Duration::from_secs(600);
/// Nobody asks again so soon after it could not be found out.
const REST: Duration = Duration::from_secs(2);

/// No code, and no verifier, which has 43 characters at least (RFC 7636 §4.1).
const NOTHING: &str = "cdn-broker-doctor-asks-whether-the-client-is-known";

/// Has both addresses that a sign-in needs.
type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// What the browser brings back from the platform.
pub(super) struct Code {
    pub(super) code: String,
    /// Who says so (RFC 9207), if they tell.
    pub(super) issuer: Option<String>,
}

/// A platform whose users sign in.
pub(crate) struct Peer {
    /// Its credentials' name, and those before it.
    names: Vec<String>,
    client: DashboardClient,
    redirect_uri: String,
    outside: Outside,
    found: Mutex<Found>,
}

/// Where users sign in, if it was asked.
struct Found {
    at: Option<Instant>,
    /// `None`: it could not be found out.
    endpoints: Option<Arc<Endpoints>>,
}

impl Peer {
    /// `name`: its credentials'. `redirect_uri`: where browsers come back to.
    pub(super) fn new(name: &str, client: DashboardClient, redirect_uri: String, outside: Outside) -> Self {
        let names = std::iter::once(name.to_owned()).chain(client.formerly.iter().cloned());
        Self {
            names: names.collect(),
            client,
            redirect_uri,
            outside,
            found: Mutex::new(Found {
                at: None,
                endpoints: None,
            }),
        }
    }

    /// The names that its credentials have and had.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Its client, as it stands in the catalog.
    pub(crate) fn in_catalog(&self) -> (&str, &str, &str) {
        let DashboardClient { id, secret, .. } = &self.client;
        (id, secret.expose_secret(), &self.redirect_uri)
    }

    /// Where a browser signs in with this state, and a code for this verifier.
    pub(super) async fn address(&self, state: String, verifier: String) -> Result<String, Trouble> {
        let endpoints = self.endpoints().await?;
        let client = self.oauth(&endpoints)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let request = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge);
        let (address, _state) = request.url();
        Ok(address.to_string())
    }

    /// What the user may see who has come back. The token is used once, and forgotten. `None`: nothing, or there is no such instance.
    pub(super) async fn right(&self, begun: Begun, code: Code) -> Result<Option<Right>, Trouble> {
        let endpoints = self.endpoints().await?;
        if code.issuer.is_some_and(|issuer| issuer != endpoints.issuer) {
            return Err(Trouble::Code);
        }
        let token = self.token(&endpoints, code.code, begun.verifier).await?;
        let path = format!("/v3/service_instances/{}/permissions", begun.instance);
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.secret()));
        let mut bearer = bearer.map_err(|_odd| Trouble::Unreadable("the token endpoint"))?;
        bearer.set_sensitive(true);
        let answer = self
            .get("permissions", &format!("{}{path}", self.client.api), Some(bearer))
            .await?;
        right(answer.status(), answer.body())
    }

    /// Whether it says where users sign in, and knows the client: a code that it has not made is refused by another word than a client
    /// that it doesn't know (RFC 6749 §5.2).
    pub(super) async fn tried(&self) -> Result<(), Trouble> {
        let endpoints = self.endpoints().await?;
        let token = self.token(&endpoints, NOTHING.to_owned(), NOTHING.to_owned()).await;
        match token {
            Ok(_) | Err(Trouble::Code) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    async fn token(&self, endpoints: &Endpoints, code: String, verifier: String) -> Result<AccessToken, Trouble> {
        let client = self.oauth(endpoints)?;
        // A future that borrows nothing: the compiler can't tell of others that they may be sent between threads.
        let send = |request: HttpRequest| exchange(self.outside.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&send)
            .await;
        match answer {
            Ok(answer) => Ok(answer.access_token().clone()),
            Err(RequestTokenError::Request(unreached)) => Err(unreached.into()),
            Err(RequestTokenError::ServerResponse(refused)) => Err(match refused.error() {
                BasicErrorResponseType::InvalidGrant => Trouble::Code,
                other => Trouble::Refused(other.as_ref().to_owned()),
            }),
            // What can't be read may be a token.
            Err(_) => Err(Trouble::Unreadable("the token endpoint")),
        }
    }

    fn oauth(&self, endpoints: &Endpoints) -> Result<Client, Trouble> {
        let redirect_uri = RedirectUrl::new(self.redirect_uri.clone()).map_err(|_odd| Trouble::Address("PAGES_URL"))?;
        let DashboardClient { id, secret, .. } = &self.client;
        Ok(BasicClient::new(ClientId::new(id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_auth_uri(endpoints.authorization.clone())
            .set_token_uri(endpoints.token.clone())
            .set_redirect_uri(redirect_uri))
    }

    /// Where users sign in. One request asks at a time; the others get what it has found.
    async fn endpoints(&self) -> Result<Arc<Endpoints>, Trouble> {
        const OF: &str = "where users sign in";
        let mut found = self.found.lock().await;
        let age = found.at.map(|at| at.elapsed());
        match (&found.endpoints, age) {
            (Some(endpoints), Some(age)) if age < KNOWN => return Ok(endpoints.clone()),
            (None, Some(age)) if age < REST => return Err(Trouble::Unreadable(OF)),
            _ => {}
        }
        let discovered = self.discovered().await.map(Arc::new);
        *found = Found {
            at: Some(Instant::now()),
            endpoints: discovered.as_ref().ok().cloned(),
        };
        discovered
    }

    async fn discovered(&self) -> Result<Endpoints, Trouble> {
        let root = self.get("links", &format!("{}/", self.client.api), None).await?;
        let server = sign_in_server(&ok("Cloud Controller's GET /", root)?)?;
        let address = format!("{server}/.well-known/openid-configuration");
        let configuration = self.get("openid-configuration", &address, None).await?;
        endpoints(&ok("openid-configuration", configuration)?)
    }

    async fn get(
        &self,
        operation: &'static str,
        address: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, Trouble> {
        let request = Request::get(address).header(header::ACCEPT, "application/json");
        let request = match authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization),
            None => request,
        };
        let request = request
            .body(Full::default())
            .map_err(|_odd| Trouble::Address(operation))?;
        Ok(self.outside.send(operation, request).await?)
    }
}

async fn exchange(outside: Outside, request: HttpRequest) -> Result<HttpResponse, Unreached> {
    let request = request.map(|body| Full::new(Bytes::from(body)));
    let answer = outside.send("token", request).await?;
    Ok(answer.map(|body| body.to_vec()))
}

fn ok(of: &'static str, answer: Response<Bytes>) -> Result<Bytes, Trouble> {
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(Trouble::Status { of, status }),
    }
}
