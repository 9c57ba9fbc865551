// An OpenID provider (oidc-provider, OpenID Certified) in the place of UAA: `node provider.mjs CLIENT_ID CLIENT_SECRET REDIRECT_URI…`.
// Prints its address in one line, and serves until its standard input ends. Whoever sends the header `x-user` is that user, without a
// password; the user `declines` declines.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// Installed beside the repository's other tools: tests/setup.sh.
const { default: Provider } = await import(createRequire(`${process.env.PROVIDER_MODULES}/`).resolve('oidc-provider'));

const [clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const PERMISSIONS = 'cloud_controller_service_permissions.read';

const server = createServer();
await new Promise(done => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: redirectUris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  // A token has the claim only if this scope was asked for.
  claims: { openid: ['sub'], [PERMISSIONS]: ['may_ask'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, may_ask: true }) }),
  // Without PKCE there is no code.
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['of a test'] },
  interactions: { url: (ctx, interaction) => `/as/${interaction.uid}` },
  // Every user has approved the scopes.
  loadExistingGrant: async ctx => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(`openid ${PERMISSIONS}`);
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
server.on('request', async (request, response) => {
  if (!request.url.startsWith('/as/')) return answer(request, response);
  const user = request.headers['x-user'];
  const result = user && user !== 'declines' ? { login: { accountId: user } } : { error: 'access_denied' };
  try {
    await provider.interactionFinished(request, response, result);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});

process.stdin.on('end', () => process.exit()).resume();
console.log(issuer);
