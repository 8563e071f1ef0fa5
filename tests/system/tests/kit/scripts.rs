//! A script in the running service: what is edited and saved counts from the next call on.

use anyhow::{Result, ensure};

use crate::{
    bench::script,
    office::{JOURNAL, journaled_by, logged, prepared, save, times},
};

const TAKEN_UP: &str = "plugin small: Small 1.0.0 is taken up anew";

fn version(name: &str) -> String {
    script(&JOURNAL.replace("VERSION", name))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_counts_from_the_next_call_on_and_what_is_broken_does_not() -> Result<()> {
    let mut office = prepared(&version("first"), "").await?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "first");

    save(&office, &version("second"))?;
    logged(&office, TAKEN_UP, 0).await?;
    ensure!(journaled_by(&office).await? == "second");

    // A bracket is missed in the ninth line, the last one.
    save(&office, &version("third").replace("call }) {", "call }) {{"))?;
    logged(&office, "the old one stays in force", 0).await?;
    let log = office.log();
    let at = log.find("the old one stays in force").unwrap_or_default();
    ensure!(log[at..].contains("small.js:9:"), "{}", &log[at..]);
    ensure!(log[at..].contains("SyntaxError"), "{}", &log[at..]);
    ensure!(journaled_by(&office).await? == "second");

    save(&office, &version("fourth"))?;
    logged(&office, TAKEN_UP, 1).await?;
    ensure!(journaled_by(&office).await? == "fourth");
    ensure!(times(&office, "panicked") == 0, "{}", office.log());
    Ok(())
}
