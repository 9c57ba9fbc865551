//! `cdnctl link`: the link to an instance's status page.

use page_keys::{Links, PageArgs};
use serde::Serialize;
use store::{Actor, DatabaseArgs, PageLink, Store};

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Prints the link to an instance's status page.
///
/// Whoever has the link sees the page. It is the one that the platform has as `dashboard_url`, and lasts for PAGE_LINK_LIFETIME from now even
/// if nobody uses it. --new gives the instance another link and ends the one before it; --revoke ends it, and the instance has none until
/// --new. The platform shows the old one until its next update or fetch. PAGES_URL, PAGE_KEYS and PAGE_LINK_LIFETIME have to be
/// broker-api's; --revoke needs none of them. Exit code 1 when there is no link, since it was revoked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Link")]
pub struct Args {
    /// The instance's id.
    pub id: String,
    /// Another link, in place of the one before it.
    #[arg(long)]
    pub new: bool,
    /// End the link.
    #[arg(long, conflicts_with = "new")]
    pub revoke: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Where status pages are, and what signs the links to them: broker-api's own.
    #[command(flatten)]
    pub pages: PageArgs,
}

#[derive(Serialize)]
struct Report<'l> {
    url: Option<String>,
    #[serde(flatten)]
    link: &'l PageLink,
}

/// Prints, replaces or revokes it.
///
/// # Errors
/// When there are no status pages, the id is unknown, the instance was removed, or the database can't be queried.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    if args.revoke {
        let store = opened(args).await?;
        let link = store.acting(actor).revoke_page_link(&args.id).await?;
        return revoked(args, &link.ok_or_else(|| CommandError::unknown(&args.id))?);
    }
    let links = links(args)?;
    let store = opened(args).await?;
    let link = match args.new {
        true => store.acting(actor).new_page_link(&args.id, links.lifetime()).await?,
        false => {
            store.renewed_page_link(&args.id, links.lifetime()).await?;
            store.page_link(&args.id).await?
        }
    };
    let link = link.ok_or_else(|| CommandError::unknown(&args.id))?;
    if link.revoked_at.is_some() {
        revoked(args, &link)?;
        return Ok(Exit::NotWell);
    }
    let url = links.url(&args.id, link.number);
    let report = Report {
        url: Some(url.clone()),
        link: &link,
    };
    out::either(args.json, &report, || vec![url])?;
    Ok(Exit::AllWell)
}

fn links(args: &Args) -> Result<Links, CommandError> {
    let links = args.pages.links();
    let links = links.map_err(|error| CommandError::Refused(error.to_string()))?;
    links.ok_or_else(|| {
        CommandError::Refused(
            "PAGES_URL is not set: without it there are no status pages. Set PAGES_URL and PAGE_KEYS as broker-api has them".to_owned(),
        )
    })
}

/// The database, if the instance is there.
async fn opened(args: &Args) -> Result<Store, CommandError> {
    let store = database::open(&args.database).await?;
    let dossier = store.dossier(&args.id).await?;
    let dossier = dossier.ok_or_else(|| CommandError::unknown(&args.id))?;
    match dossier.deleted_at {
        None => Ok(store),
        Some(at) => Err(CommandError::Refused(format!(
            "instance {} was removed at {}: its link ended with it",
            shown::clean(&args.id),
            shown::moment(at)
        ))),
    }
}

fn revoked(args: &Args, link: &PageLink) -> Result<Exit, CommandError> {
    let report = Report { url: None, link };
    out::either(args.json, &report, || {
        vec![format!(
            "the link was revoked at {}: there is none until `cdnctl link {} --new`",
            shown::moment_or_none(link.revoked_at),
            shown::clean(&args.id)
        )]
    })?;
    Ok(Exit::AllWell)
}
