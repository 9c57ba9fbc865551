//! Writes what cdnctl really says into docs/cdnctl.md: starts a stack, brings instances into the states that an operator meets,
//! and runs each command that the document has between its markers, in the document's order.

mod document;
mod operator;
mod scene;

use anyhow::Context as _;
use stack::Handle;

use crate::operator::Operator;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("usage: cdnctl-docs docs/cdnctl.md")?;
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let handle = Handle::start(scene::options()).await?;
    let operator = Operator::of(&handle)?;
    scene::set(&handle, &operator).await?;
    let written = document::rewrite(&text, async |command| operator.says(command).await).await?;
    std::fs::write(&path, written).with_context(|| path.clone())
}
