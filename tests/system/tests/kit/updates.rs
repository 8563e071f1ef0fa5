//! A plugin's file that has changed: taken up, asked about or refused; and what was in force stays in force.

use anyhow::{Result, ensure};
use system_tests::office::Office;

use crate::{
    bench::asking,
    office::{JOURNAL, journaled_by, logged, prepared, refused, save, times},
};

const MORE: &str = r#"http: ["https://other.test"],"#;

/// A version that says its number, with more in its manifest.
fn version(number: &str, more: &str) -> String {
    asking(&JOURNAL.replace("VERSION", number), number, more)
}

async fn opened(update: &str) -> Result<Office> {
    let mut office = prepared(&version("1.0.0", ""), update).await?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "1.0.0");
    Ok(office)
}

/// Saves a file that waits, and looks whether it does.
async fn waits(office: &Office, script: &str, why: &str) -> Result<()> {
    let before = times(office, why);
    save(office, script)?;
    logged(office, why, before).await?;
    ensure!(journaled_by(office).await? == "1.0.0", "{}", office.log());
    let said = office.run(&["check"]).await?;
    ensure!(said.contains(why), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_no_more_is_taken_up() -> Result<()> {
    let office = opened("update = \"take-up\"").await?;
    save(&office, &version("2.0.0", ""))?;
    logged(&office, "Small 2.0.0 is taken up anew", 0).await?;
    ensure!(journaled_by(&office).await? == "2.0.0");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_more_waits_until_it_is_accepted_even_over_a_restart() -> Result<()> {
    let mut office = opened("").await?;
    let why = "small 2.0.0 in place of small 1.0.0 asks for more than before: http https://other.test";
    waits(&office, &version("2.0.0", MORE), why).await?;
    office.kill().await?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "1.0.0", "{}", office.log());
    let shown = office.run(&["plugin", "accept", "small"]).await?;
    ensure!(shown.contains("small 2.0.0  sha256 ") && shown.contains("in place of small 1.0.0  sha256 "), "{shown}");
    ensure!(shown.contains("  + http https://other.test") && shown.contains("accept small --yes"), "{shown}");
    ensure!(journaled_by(&office).await? == "1.0.0", "looking is not accepting");
    let told = office.run(&["plugin", "accept", "small", "--yes"]).await?;
    ensure!(told.contains("Small 2.0.0 is taken up anew"), "{told}");
    ensure!(journaled_by(&office).await? == "2.0.0", "{}", office.log());
    // Less than before is no question.
    save(&office, &version("3.0.0", ""))?;
    logged(&office, "Small 3.0.0 is taken up anew", 0).await?;
    ensure!(journaled_by(&office).await? == "3.0.0");
    let shown = office.run(&["plugin", "accept", "small"]).await?;
    ensure!(shown.contains("this build is in force"), "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_asked_where_he_wants_to_be() -> Result<()> {
    let mut office = opened("update = \"ask\"").await?;
    waits(&office, &version("2.0.0", ""), "small 2.0.0 in place of small 1.0.0 waits to be accepted").await?;
    // Accepted while nothing runs, it is taken up at the start.
    office.kill().await?;
    let told = office.run(&["plugin", "accept", "small", "--yes"]).await?;
    ensure!(told.contains("accepted; the next start takes it up"), "{told}");
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "2.0.0", "{}", office.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_one_build_and_not_the_next() -> Result<()> {
    let office = opened("update = \"refuse\"").await?;
    waits(&office, &version("2.0.0", ""), "is refused, as `update = \"refuse\"` says").await?;
    office.run(&["plugin", "accept", "small", "--yes"]).await?;
    ensure!(journaled_by(&office).await? == "2.0.0", "{}", office.log());
    let before = times(&office, "is refused, as");
    save(&office, &version("3.0.0", ""))?;
    logged(&office, "is refused, as", before).await?;
    ensure!(journaled_by(&office).await? == "2.0.0", "{}", office.log());
    let said = refused(&office, &["plugin", "accept", "smal", "--yes"]).await?;
    ensure!(said.contains("there is no [plugin.smal]") && said.contains("small"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_records_are_named() -> Result<()> {
    let mut office = opened("update = \"ask\"").await?;
    save(&office, &version("2.0.0", ""))?;
    logged(&office, "waits to be accepted", 0).await?;
    office.kill().await?;
    let copies = office.folder().join("data/plugins");
    let copy = std::fs::read_dir(&copies)?.filter_map(Result::ok).map(|entry| entry.path());
    let copy =
        copy.filter(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"const"))).collect::<Vec<_>>();
    let [copy] = copy.as_slice() else { anyhow::bail!("{copy:?}") };
    let whole = std::fs::read(copy)?;
    std::fs::write(copy, [&whole[..], b"//"].concat())?;
    let said = refused(&office, &["run"]).await?;
    ensure!(said.contains("the build in force cannot be used") && said.contains("has been changed"), "{said}");
    std::fs::write(copy, whole)?;
    let lock = office.folder().join("data/plugins.lock");
    let good = std::fs::read_to_string(&lock)?;
    std::fs::write(&lock, "small = nonsense")?;
    let said = refused(&office, &["plugin", "accept", "small"]).await?;
    ensure!(said.contains("plugins.lock is damaged") && said.contains("remove it to accept all plugins"), "{said}");
    std::fs::write(&lock, good)?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "1.0.0", "{}", office.log());
    Ok(())
}
