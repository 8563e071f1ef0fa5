//! How many posts of the webhooks module one core reads and understands, and turns into call history.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may panic")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hookswitch_call::{Millis, Tracker, signal::Report};
use hookswitch_pbx::three_cx_hooks::{Calls, Clock, Names, Post, Told};
use hookswitch_web::{HeaderMap, Method, Request};

/// One call over a queue, answered by the second of two agents.
const CALL: [&str; 5] = [
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"804","usertype":"queue","id":"ID-0"}"#,
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"101","usertype":"ext","id":"ID-0"}"#,
    r#"{"event":"ringing","callerid":"+4420000001","did":"Main line","user":"102","usertype":"ext","id":"ID-0"}"#,
    r#"{"event":"hangupincoming","callerid":"+4420000001","user":"102","did":"Main line","trtype":"NotDef","id":"ID-1"}"#,
    r#"{"event":"incoming","callerid":"+4420000001","user":"102","did":"Main line","finishtype":"Ok","transfer":"false","title":"Call","id":"ID-1"}"#,
];
const CALLS: u64 = 1000;
/// 2024-03-05 08:15:01 UTC.
const AT: u64 = 1_709_626_501_000;

fn requests() -> Vec<Request> {
    let request = |body: String| Request {
        source: [192, 0, 2, 10].into(),
        secure: true,
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: body.into(),
    };
    let call = |number: u64| CALL.map(|post| request(post.replace("ID", &format!("240305081500_{number}"))));
    (0..CALLS).flat_map(call).collect()
}

fn posts(c: &mut Criterion) {
    let (requests, names) = (requests(), Names::default());
    let mut group = c.benchmark_group("3cx-webhooks");
    group.throughput(Throughput::Elements(requests.len() as u64));
    group.bench_function("posts to call history", |b| {
        b.iter(|| {
            let mut calls = Calls::new(Clock(jiff::tz::TimeZone::UTC), Vec::new(), &[]);
            let mut tracker = Tracker::new("office".into(), []);
            let mut events = 0;
            for request in &requests {
                let told = Told::read(&Post::read(request).unwrap(), &names).unwrap();
                for report in calls.reports(&told, Millis(AT)) {
                    if let Report::Call(signal) = report {
                        events += tracker.apply(signal).len();
                    }
                }
                calls.remember(&told, Millis(AT));
            }
            events
        });
    });
    group.finish();
}

criterion_group!(benches, posts);
criterion_main!(benches);
