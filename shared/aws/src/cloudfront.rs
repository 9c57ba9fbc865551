//! CloudFront distributions: reads, and writes that are fenced by ETag.

use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::Builder;
use aws_sdk_cloudfront::types::{Distribution, DistributionConfig, DistributionSummary};

use crate::as_written::{Answer, replace_body, written};
use crate::calls::Calls;
use crate::failure::{Failure, Peer};
use crate::merge::merged;
use crate::race::told_apart;
use crate::watch::{Watch, Watcher};
use crate::wire::Wire;

/// A client of CloudFront. Every call is one attempt.
#[derive(Clone, Debug)]
pub struct CloudFront {
    client: Client,
    /// For serializing only; its requests are never sent.
    writer: Client,
}

/// A distribution's configuration as read, with the ETag that a write must carry.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// The part that the SDK understands, which can be changed.
    pub config: DistributionConfig,
    /// Its version.
    pub etag: String,
    as_read: AsRead,
}

/// The whole document, including what the SDK does not know: `UpdateDistribution` replaces everything, so what isn't
/// sent back is lost.
#[derive(Clone, Debug)]
struct AsRead {
    config: DistributionConfig,
    document: String,
}

impl CloudFront {
    /// A client with this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self::by(config, Builder::from(config))
    }

    /// The same, and the watcher is called for each response.
    pub fn watched(config: &SdkConfig, watcher: Watcher) -> Self {
        let builder = Builder::from(config).interceptor(Watch::new("cloudfront", watcher));
        Self::by(config, builder)
    }

    fn by(config: &SdkConfig, builder: Builder) -> Self {
        let builder = builder.interceptor(Wire).interceptor(Calls("cloudfront"));
        Self {
            client: Client::from_conf(builder.build()),
            writer: Client::new(config),
        }
    }

    /// The SDK's client, for calls that only one service makes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Every distribution of the account.
    ///
    /// # Errors
    /// Any failure of `ListDistributions`.
    pub async fn list(&self) -> Result<Vec<DistributionSummary>, Failure> {
        const ACTION: &str = "ListDistributions";
        let mut all = Vec::new();
        let mut pages = self.client.list_distributions().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?;
            let list = page
                .distribution_list
                .ok_or_else(|| Failure::incomplete(Peer::CloudFront, ACTION, "list"))?;
            all.extend(list.items.unwrap_or_default());
        }
        Ok(all)
    }

    /// The distribution; `None` when the id does not exist.
    ///
    /// # Errors
    /// Any other failure of `GetDistribution`.
    pub async fn distribution(&self, id: &str) -> Result<Option<Distribution>, Failure> {
        const ACTION: &str = "GetDistribution";
        let answer = self.client.get_distribution().id(id).send().await;
        let answer = match found(ACTION, answer)? {
            Some(answer) => answer,
            None => return Ok(None),
        };
        answer
            .distribution
            .map(Some)
            .ok_or_else(|| Failure::incomplete(Peer::CloudFront, ACTION, "distribution"))
    }

    /// The distribution's configuration; `None` when the id does not exist.
    ///
    /// # Errors
    /// Any other failure of `GetDistributionConfig`.
    pub async fn config(&self, id: &str) -> Result<Option<ReadConfig>, Failure> {
        const ACTION: &str = "GetDistributionConfig";
        let body = Answer::default();
        let call = self.client.get_distribution_config().id(id).customize();
        let answer = call.interceptor(body.clone()).send().await;
        let answer = match found(ACTION, answer)? {
            Some(answer) => answer,
            None => return Ok(None),
        };
        match (answer.distribution_config, answer.e_tag, body.body()) {
            (Some(config), Some(etag), Some(document)) => {
                let as_read = AsRead {
                    config: config.clone(),
                    document,
                };
                Ok(Some(ReadConfig { config, etag, as_read }))
            }
            _ => Err(Failure::incomplete(Peer::CloudFront, ACTION, "configuration or ETag")),
        }
    }

    /// The value of the resource's tag with that key, if it has one.
    ///
    /// # Errors
    /// Any failure of `ListTagsForResource`.
    pub async fn tag(&self, arn: &str, key: &str) -> Result<Option<String>, Failure> {
        let answer = self.client.list_tags_for_resource().resource(arn).send().await;
        let answer = answer.map_err(|error| Failure::new(Peer::CloudFront, "ListTagsForResource", &error))?;
        let tags = answer.tags.and_then(|tags| tags.items).unwrap_or_default();
        Ok(tags.into_iter().find(|tag| tag.key == key).and_then(|tag| tag.value))
    }

    /// Writes back a configuration that was read and changed, including what the SDK does not know.
    ///
    /// # Errors
    /// `UpdateDistribution` failed.
    pub async fn write(&self, id: &str, changed: ReadConfig) -> Result<(), Failure> {
        const ACTION: &str = "UpdateDistribution";
        let body = self.changed_document(&changed).await?;
        let call = self.client.update_distribution().id(id).if_match(&changed.etag);
        let call = call.distribution_config(changed.config).customize();
        match call
            .mutate_request(move |request| replace_body(request, body.clone()))
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = Failure::new(Peer::CloudFront, ACTION, &error);
                Err(told_apart(failure, &changed.etag, self.etag(id)).await)
            }
        }
    }

    /// The document as read, with our change.
    async fn changed_document(&self, changed: &ReadConfig) -> Result<String, Failure> {
        const ACTION: &str = "GetDistributionConfig";
        let AsRead { config, document } = &changed.as_read;
        let before = written(&self.writer, config.clone()).await;
        let after = written(&self.writer, changed.config.clone()).await;
        let (Some(before), Some(after)) = (before, after) else {
            return Err(Failure::incomplete(
                Peer::CloudFront,
                ACTION,
                "configuration that can be written",
            ));
        };
        merged(document, &before, &after).map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "well-formed XML"))
    }

    /// Moves an alias to the distribution from the one that has it; the call has no ETag.
    ///
    /// # Errors
    /// `AssociateAlias` failed.
    pub async fn associate_alias(&self, id: &str, alias: &str) -> Result<(), Failure> {
        let call = self.client.associate_alias().target_distribution_id(id).alias(alias);
        let answer = call.send().await;
        answer
            .map(drop)
            .map_err(|error| Failure::new(Peer::CloudFront, "AssociateAlias", &error))
    }

    /// Deletes the distribution.
    ///
    /// # Errors
    /// `DeleteDistribution` failed.
    pub async fn remove(&self, id: &str, etag: &str) -> Result<(), Failure> {
        match self.client.delete_distribution().id(id).if_match(etag).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = Failure::new(Peer::CloudFront, "DeleteDistribution", &error);
                Err(told_apart(failure, etag, self.etag(id)).await)
            }
        }
    }

    /// The distribution's current version; `None` when the id does not exist.
    async fn etag(&self, id: &str) -> Result<Option<String>, Failure> {
        Ok(self.config(id).await?.map(|read| read.etag))
    }
}

fn found<T, E>(
    action: &'static str,
    answer: Result<T, aws_sdk_cloudfront::error::SdkError<E, aws_sdk_cloudfront::config::http::HttpResponse>>,
) -> Result<Option<T>, Failure>
where
    E: aws_sdk_cloudfront::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => {
            let failure = Failure::new(Peer::CloudFront, action, &error);
            if failure.code() == "NoSuchDistribution" {
                Ok(None)
            } else {
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one request with each of these bodies, and none after that.
    async fn cloudfront(bodies: Vec<String>) -> CloudFront {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for body in bodies {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.unwrap());
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{address}"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        CloudFront::new(&config)
    }

    fn page(id: &str, next: &str) -> String {
        format!(
            "<DistributionList xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Marker></Marker>{next}<MaxItems>1</MaxItems>\
             <IsTruncated>true</IsTruncated><Quantity>1</Quantity><Items><DistributionSummary><Id>{id}</Id></DistributionSummary></Items>\
             </DistributionList>"
        )
    }

    #[tokio::test]
    async fn a_list_ends_where_no_other_page_is_named() {
        let next = "<NextMarker>E1</NextMarker>";
        // The last page says that there is more without saying where, or names the same page again.
        for last in ["", "<NextMarker></NextMarker>", next] {
            let all = cloudfront(vec![page("E1", next), page("E2", last)])
                .await
                .list()
                .await
                .unwrap();
            let ids: Vec<_> = all.iter().map(|listed| listed.id.as_str()).collect();
            assert_eq!(ids, ["E1", "E2"], "{last}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_list_is_no_empty_list() {
        let failure = cloudfront(vec![String::new()]).await.list().await.unwrap_err();
        assert!(failure.to_string().contains("ListDistributions"), "{failure}");
    }
}
