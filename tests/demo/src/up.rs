//! `make up`: everything stays, with lines to paste.

use customer::platform::{PLAN_ID, SERVICE_ID};
use page_keys::{PageKeys, path};
use stack::Handle;

use crate::screen::{heading, line};

/// The id of the instance that the lines make. Its first link has the number 1.
const INSTANCE: &str = "my-cdn";

pub(crate) async fn print_and_wait(handle: &Handle) -> anyhow::Result<()> {
    let e = handle.endpoints();
    let api = format!(
        "curl -s -u {}:{} -H 'X-Broker-API-Version: 2.17'",
        e.broker_username, e.broker_password
    );
    let instance = format!("{}/v2/service_instances/{INSTANCE}", e.broker_url);
    heading("Everything is up. Lines to paste into another terminal:");
    println!("# the catalog\n{api} {}/v2/catalog\n", e.broker_url);
    println!(
        "# cf create-service\n{api} -X PUT '{instance}?accepts_incomplete=true' -H 'Content-Type: application/json' -d \
         '{{\"service_id\":\"{SERVICE_ID}\",\"plan_id\":\"{PLAN_ID}\",\"organization_guid\":\"org\",\"space_guid\":\"space\",\
         \"parameters\":{{\"domains\":[\"www.example.com\"]}}}}'\n"
    );
    let token = PageKeys::parse(&e.page_keys)?.token(INSTANCE, 1);
    println!(
        "# its status page, for a browser\n{}{}\n",
        e.broker_url,
        path(INSTANCE, &token)
    );
    println!(
        "# the operator's page, for a browser: user {}, password {}\n{}/\n",
        e.operator_name, e.operator_password, e.operator_url
    );
    println!("# cf service: what to set, and what was seen\n{api} '{instance}/last_operation'\n");
    println!(
        "# set the record that it names (VALUE as shown)\ncurl -s {}/set-txt -d \
         '{{\"host\":\"_validation-persist.www.example.com.\",\"value\":\"VALUE\"}}'\n",
        e.dns_management_url
    );
    println!(
        "# the website, through the edge\ncurl -s --cacert {} --connect-to www.example.com:443:{} https://www.example.com/\n",
        e.pebble_root_pem.display(),
        e.edge_https
    );
    println!("# what is in AWS\ncurl -s {}/state\n", e.aws_admin_url);
    println!(
        "# cf delete-service\n{api} -X DELETE '{instance}?accepts_incomplete=true&service_id={SERVICE_ID}&plan_id={PLAN_ID}'\n"
    );
    println!("# the truth\npsql {}\n", e.database_url);
    line(&format!("logs: {}", e.folder.join("logs").display()));
    line("Ctrl-C stops everything.");
    std::future::pending().await
}
