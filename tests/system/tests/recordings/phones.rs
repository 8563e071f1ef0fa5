//! Every other kind of phone system, which has its recordings in a way of its own.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use system_tests::{
    PATIENCE,
    phones::{Phone, STORIES},
    verdict::list,
};

use crate::scene::records;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_kind_of_phone_system_has_it_the_recording_is_at_the_portals_call() -> Result<()> {
    let (world, phones) = Phone::world(Duration::from_millis(500), "[recordings]\npatience = \"1d\"").await?;
    let story = STORIES.iter().find(|story| story.name == "answered").context("the story")?;
    let mut recorded = Vec::new();
    for (serial, phone) in phones.iter().enumerate() {
        let outside = phone.outside(serial);
        let sound = phone.tell_recorded(story, &outside).await?;
        recorded.push((phone, outside, sound));
    }
    let attached = world.portal.wait_until(|state| records(state).count() >= recorded.len(), 2 * PATIENCE).await;
    attached.map_err(|_| anyhow::anyhow!("not all are attached: {}", world.account()))?;
    world.work_done().await?;
    let state = world.portal.state();
    for (phone, outside, sound) in recorded {
        let of = || format!("{} ({outside}): {}", phone.kind(), world.account());
        let digits = outside.trim_start_matches('+');
        let own = |call: &&serde_json::Value| call["phone"].as_str().is_some_and(|number| number.ends_with(digits));
        let calls: Vec<_> = list(&state, "calls").filter(own).collect();
        ensure!(calls.len() == 1 && list(calls[0], "records").count() == 1, "{}", of());
        let id = calls[0]["records"][0]["file_id"].as_u64().with_context(of)?;
        let file = world.portal.file(id).with_context(of)?;
        ensure!(*file == *sound, "other bytes: {}", of());
        ensure!(phone.complaints().is_empty(), "{:?}", phone.complaints());
    }
    Ok(())
}
