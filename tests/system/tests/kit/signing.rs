//! Signatures of vendors: made, verified, and demanded by an admin.

use anyhow::{Context, Result, ensure};
use system_tests::office::Office;

use crate::{
    bench::{Bench, Said, script},
    office::{JOURNAL, journaled_by, logged, path, prepared, refused, save},
};

/// `hookswitch plugin …` with a password for keys.
fn with_password(bench: &Bench, password: &str, arguments: &[&str]) -> Result<Said> {
    Ok(bench.command("", arguments)?.env("HOOKSWITCH_KEY_PASSWORD", password).output()?.into())
}

/// A bench with the key pairs `acme` and `other`, and a plugin.
fn vendor() -> Result<Bench> {
    let bench = Bench::new()?;
    for name in ["acme", "other"] {
        with_password(&bench, "", &["key", name])?.ended(0)?.says(&["vendor-key = \"", "keep it secret"])?;
    }
    bench.write("x.js", &script(""))?;
    Ok(bench)
}

#[test]
fn a_plugin_is_signed_and_verified() -> Result<()> {
    let bench = vendor()?;
    let verify = |key: &str| bench.run(&["verify", "x.js", "--key", key]);
    verify("acme.pub")?.ended(1)?.says(&["the vendor's signature x.js.minisig", "get it from the vendor"])?;
    let sign = ["sign", "x.js", "--key", "acme.key", "--comment", "Acme CRM 1.2.0"];
    with_password(&bench, "", &sign)?.ended(0)?.says(&["x.js.minisig: ship it beside the plugin"])?;
    verify("acme.pub")?.ended(0)?.says(&["x.js is signed with this key: Acme CRM 1.2.0"])?;
    // The key itself instead of its file.
    let public = std::fs::read_to_string(bench.path().join("acme.pub"))?;
    let key = public.lines().last().context("a key")?;
    verify(key)?.ended(0)?;
    verify("other.pub")?.ended(1)?.says(&["x.js is not signed with the vendor's key"])?;
    verify("nonsense")?.ended(1)?.says(&["key"])?;
    let signature = std::fs::read_to_string(bench.path().join("x.js.minisig"))?;
    bench.write("x.js.minisig", &signature.replace("1.2.0", "6.6.6"))?;
    verify("acme.pub")?.ended(1)?.says(&["x.js is not signed with the vendor's key"])?;
    bench.write("x.js.minisig", "no signature at all")?;
    verify("acme.pub")?.ended(1)?.says(&["x.js.minisig is no signature"])?;
    bench.write("x.js.minisig", &signature)?;
    bench.write("x.js", &script("// and a little more"))?;
    verify("acme.pub")?.ended(1)?.says(&["x.js is not signed with the vendor's key", "may have changed it"])?;
    Ok(())
}

#[test]
fn a_secret_key_is_kept_from_others_and_may_have_a_password() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = vendor()?;
    let mode = std::fs::metadata(bench.path().join("acme.key"))?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    with_password(&bench, "", &["key", "acme"])?.ended(1)?.says(&["acme.key is there already", "another name"])?;
    with_password(&bench, "a long one", &["key", "locked"])?.ended(0)?;
    let sign = ["sign", "x.js", "--key", "locked.key"];
    with_password(&bench, "another", &sign)?.ended(1)?.says(&["locked.key"])?;
    with_password(&bench, "a long one", &sign)?.ended(0)?;
    bench.run(&["verify", "x.js", "--key", "locked.pub"])?.ended(0)?;
    Ok(())
}

/// Signs the office's script.
fn sign(bench: &Bench, office: &Office, key: &str) -> Result<()> {
    let script = path(office).to_string_lossy().into_owned();
    with_password(bench, "", &["sign", &script, "--key", key])?.ended(0).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_takes_only_what_the_vendor_has_signed() -> Result<()> {
    let bench = vendor()?;
    let public = std::fs::read_to_string(bench.path().join("acme.pub"))?;
    let key = public.lines().last().context("a key")?;
    let version = |name: &str| script(&JOURNAL.replace("VERSION", name));
    let mut office = prepared(&version("first"), &format!("vendor-key = \"{key}\"")).await?;
    sign(&bench, &office, "acme.key")?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "first");
    office.kill().await?;
    std::fs::remove_file(path(&office).with_extension("js.minisig"))?;
    for command in ["check", "run"] {
        let said = refused(&office, &[command]).await?;
        ensure!(said.contains("the vendor's signature") && said.contains("small.js.minisig"), "{said}");
    }
    sign(&bench, &office, "other.key")?;
    let said = refused(&office, &["check"]).await?;
    ensure!(said.contains("is not signed with the vendor's key"), "{said}");

    sign(&bench, &office, "acme.key")?;
    office.launch().await?;
    ensure!(journaled_by(&office).await? == "first");
    // Changed without the vendor: not taken up.
    save(&office, &version("second"))?;
    logged(&office, "is not signed with the vendor's key", 0).await?;
    ensure!(journaled_by(&office).await? == "first");
    sign(&bench, &office, "acme.key")?;
    office.run(&["reload"]).await?;
    ensure!(journaled_by(&office).await? == "second");
    Ok(())
}
