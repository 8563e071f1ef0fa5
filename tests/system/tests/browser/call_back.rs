//! A visitor of a shop leaves a number in the form that the shop has put on its page.

use anyhow::{Result, ensure};
use system_tests::http::free_port;

use crate::{NUMBER, browser::Browser, ordered_once, orders, site::Site, world};

const FIELD: &str = "form.callback input[type=tel]";
const BUTTON: &str = "form.callback button";
const READY: &str = "form.callback button:enabled";

pub(crate) async fn a_visitor_is_called_back(browser: &Browser) -> Result<()> {
    // A minute of a day that is never this one: the day after tomorrow.
    let day = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::get("Europe/Berlin")?);
    let day = day.checked_add(jiff::Span::new().days(2))?.strftime("%a").to_string().to_lowercase();
    // The shop's address is in the configuration, and ours on its pages.
    let port = free_port()?;
    let door = format!("origins = [\"http://localhost:{port}\"]\nfrom = \"201\"\ncountries = [\"DE\"]");
    let hours = format!("hours = [{{ days = [\"{day}\"], from = \"09:00\", to = \"09:01\" }}]");
    let doors = format!(
        "[callback.shop]\n{door}\n[callback.few]\n{door}\nlimits = {{ per-address = 0 }}\n[callback.night]\n{door}\n{hours}"
    );
    let (world, base) = world(&doors).await?;
    let page = |name: &str| {
        format!(
            "<!doctype html><html lang=\"en\"><title>Shop</title><h1>Shop</h1>\
             <script src=\"{base}/callback/{name}/snippet.js\" async></script>"
        )
    };
    let pages = [("/", page("shop")), ("/few", page("few")), ("/night", page("night"))];
    let shop = Site::start_at(port, &pages).await?;
    let at = shop.elsewhere();
    let leave = async |number: &str| {
        browser.fill(FIELD, number).await?;
        browser.click(BUTTON).await
    };

    // A number that is none, or lies elsewhere; a visitor who types faster than people do is not taken for a program.
    browser.open(&at).await?;
    for wrong in ["+44 20 7946 0018", "12"] {
        leave(wrong).await?;
        browser.shows("This number cannot be called").await?;
        // The form is ready for another try.
        browser.find(READY).await?;
    }
    ensure!(orders(&world) == 0, "{} orders", orders(&world));
    leave("040 66969303").await?;
    browser.shows("We are calling you").await?;
    ordered_once(&world).await?;

    // The same visitor again, a visitor too many, and one at night.
    browser.open(&at).await?;
    leave(NUMBER).await?;
    browser.shows("You are being called already").await?;
    browser.open(&format!("{at}/few")).await?;
    leave(NUMBER).await?;
    browser.shows("There were too many calls").await?;
    browser.open(&format!("{at}/night")).await?;
    browser.shows("We are closed now").await?;
    ensure!(!browser.find(BUTTON).await?.is_enabled().await?, "the button works at night");

    // A page that the door is not for hears nothing, not even an error.
    let copy = Site::start(&[("/", page("shop"))]).await?;
    browser.open(&copy.elsewhere()).await?;
    leave(NUMBER).await?;
    browser.find(READY).await?;
    browser.shows("We could not reach you").await?;
    ordered_once(&world).await
}
