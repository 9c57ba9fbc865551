//! The tenant's page and the operator's in Chromium, in front of a whole stack, which all tests of this program share, each with domains and
//! organizations of its own.

mod accessible;
mod keyboard;
mod live;
mod operator;
mod private;
mod story;

use browser::Scene;
use tokio::sync::OnceCell;

static SCENE: OnceCell<Scene> = OnceCell::const_new();

/// The shared stack. It is never dropped: it stops when this process ends and its pipe closes.
pub(crate) async fn scene() -> anyhow::Result<&'static Scene> {
    SCENE.get_or_try_init(Scene::start).await
}
