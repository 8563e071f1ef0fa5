//! Whatever becomes of a call is in the caller log as it truly happened.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{truth, verdict::list};

use crate::{office, told};

/// So many times as fast as it happened: what is told of at the ring is not what is known at the end.
const SPEED: f64 = 8.0;

/// Inbound and outbound, answered and missed in every way, queues, transfers, pick-up, voice menu and mailbox.
const TRACES: [&str; 25] = [
    "a",
    "a_anonymous",
    "b",
    "b_local_rna",
    "c",
    "d",
    "d_caller_cancel",
    "d_unregistered",
    "e",
    "f_noanswer",
    "g_refer",
    "h_dtmf_refused",
    "h_refer",
    "i",
    "i_noanswer",
    "j",
    "k_dnd",
    "k_forward",
    "m",
    "n_ami_hangup",
    "n_hold",
    "n_ivr_queue",
    "n_pickup",
    "n_redirect",
    "n_voicemail",
];

/// What Zammad must have been told of each call of a trace, by the number outside.
fn wanted(trace: &str) -> Result<BTreeMap<String, Value>> {
    let truth = truth(trace)?;
    let mut wanted = BTreeMap::new();
    for call in
        list(&truth, "calls").filter(|call| ["inbound", "outbound"].iter().any(|way| call["direction"] == **way))
    {
        let inbound = call["direction"] == "inbound";
        let outside = digits(&call[if inbound { "caller" } else { "number" }]);
        let events = || list(&truth, "events").filter(|event| event["call"] == call["id"]);
        // Of a call that somebody clicked for, the agent's own phone is answered first.
        let answer = events().find(|event| event["event"] == "answered" && event["leg"] != "agent");
        let end = events().find(|event| event["event"] == "ended").context("no end")?;
        let cause = match (end["result"].as_str(), end["reason"].as_str()) {
            (Some("ok"), _) => "normalClearing",
            (_, Some("no_answer" | "agent_no_answer" | "voicemail")) => "noAnswer",
            (_, Some("busy" | "busy_dnd")) => "busy",
            (_, Some("caller_gave_up" | "abandoned")) => "cancel",
            (_, Some("unreachable")) => "notFound",
            other => anyhow::bail!("{trace}: what does {other:?} mean?"),
        };
        let is_answered = end["result"] == "ok";
        let story = json!({
            "direction": if inbound { "in" } else { "out" },
            "to": if inbound { digits(&call["did"]) } else { outside.clone() },
            "queue": call["queue"],
            "answered by": answer.map(|answer| &answer["extension"]),
            "cause": cause,
            "ended by": if is_answered { &end["extension"] } else { &Value::Null },
        });
        ensure!(wanted.insert(outside, story).is_none(), "{trace}: two calls of one number");
    }
    Ok(wanted)
}

fn digits(number: &Value) -> String {
    number.as_str().map_or_else(|| "anonymous".to_owned(), |number| number.replace('+', ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_call_is_in_the_caller_log_as_it_happened() -> Result<()> {
    let (zammad, world) = office().await?;
    let mut count = 0;
    for trace in TRACES {
        let wanted = wanted(trace)?;
        world.play(trace, SPEED).await?;
        let log = told(&zammad, &world, count + wanted.len()).await.context(trace)?;
        let of_trace = log.iter().skip(count).map(|call| {
            let (called, ended) = (&call.called, call.ended.as_ref().unwrap_or(&Value::Null));
            let outside = if called["direction"] == "in" { &called["from"] } else { &called["to"] };
            let story = json!({
                "direction": called["direction"],
                "to": called["to"],
                "queue": called["queue"],
                "answered by": call.answered.as_ref().map(|answer| &answer["answeringNumber"]),
                "cause": ended["cause"],
                "ended by": ended["answeringNumber"],
            });
            (digits(outside), story)
        });
        let found: BTreeMap<_, _> = of_trace.collect();
        ensure!(found == wanted, "{trace}:\nfound  {found:#?}\nwanted {wanted:#?}");
        count = log.len();
    }
    ensure!(zammad.refused().is_empty() && zammad.repeated() == 0, "{:?}", zammad.refused());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_phones_ring_is_told_at_once_and_a_blocked_caller_is_named_in_the_log() -> Result<()> {
    let (zammad, world) = office().await?;
    zammad.block("494066969101");
    let ringing = async {
        let is_there = |log: &[fake_zammad::Call]| !log.is_empty();
        let log = zammad.until(system_tests::PATIENCE, is_there).await?;
        ensure!(log[0].called["user"] == json!(["201"]) && log[0].answered.is_none(), "{log:?}");
        Ok(())
    };
    let (played, rang) = tokio::join!(world.play("a", 4.0), ringing);
    played.and(rang)?;
    told(&zammad, &world, 1).await?;
    world.until_log("Zammad has blocked this caller").await
}
