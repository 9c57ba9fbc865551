//! Needs PostgreSQL, RabbitMQ, Pebble and schemathesis (tests/setup.sh).

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_and_schemathesis_find_what_the_documents_say_and_last_operation_is_quick() -> anyhow::Result<()> {
    let (report, broken) = conformance::run(1, |line| println!("{line}")).await?;
    println!("{report}");
    anyhow::ensure!(broken == 0, "{broken} promises are broken");
    Ok(())
}
