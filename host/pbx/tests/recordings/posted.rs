//! Recordings whose addresses are posted: by the webhooks module of a 3CX, and by anything that is described.

use std::collections::HashMap;

use hookswitch_pbx::{
    Links, Source, Unfetched,
    three_cx_hooks::{self, Clock, Hooks, Names},
    webhook::{self, Answer, Description, Webhook},
};
use jiff::tz::TimeZone;

use crate::{
    links::{fetch, origin},
    server::{Server, answer, good, sound},
};

fn hooks(links: Links) -> Hooks {
    Hooks::new(three_cx_hooks::Config {
        name: "office".into(),
        secret: "kH3_an-address-that-nobody-guesses".into(),
        networks: Vec::new(),
        clock: Clock(TimeZone::UTC),
        queues: Vec::new(),
        names: Names::default(),
        links,
        address: "https://calls.example.com/pbx/office/SECRET".into(),
    })
    .unwrap()
}

fn described(links: Links) -> Webhook {
    let description = Description {
        body: webhook::Body::default(),
        time: webhook::Time::default(),
        internal_numbers: Vec::new(),
        call: None,
        leg: None,
        sequence: None,
        at: None,
        events: Vec::new(),
    };
    Webhook::new(webhook::Config {
        description,
        proofs: Vec::new(),
        secrets: HashMap::new(),
        window: None,
        echo: None,
        answer: Answer::default(),
        address: None,
        links,
    })
    .unwrap()
}

#[tokio::test]
async fn an_address_that_is_posted_is_followed_to_the_servers_that_the_admin_names_alone() {
    let server = Server::start(true, |head| match head.contains("/webapi/recording/240305091500_77-1-1.mp3 ") {
        true => good(&sound(1000)),
        false => answer(404, "content-length: 0\r\n", b""),
    })
    .await;
    let links =
        || Links { from: vec![origin(&server.origin)], ca_file: Some(server.ca.path().to_owned()), ..Links::default() };
    let sources: [(Box<dyn Source>, Box<dyn Source>); 2] = [
        (Box::new(hooks(links())), Box::new(hooks(Links::default()))),
        (Box::new(described(links())), Box::new(described(Links::default()))),
    ];
    for (named, unnamed) in sources {
        let (file, gone) = ("/webapi/recording/240305091500_77-1-1.mp3", "/webapi/recording/x.mp3");
        let recordings = named.recordings().unwrap();
        let at = |path: &str| format!("{}{path}", server.origin);
        assert_eq!(fetch(&*recordings, &at(file)).await, (Ok(1004), sound(1000)));
        assert!(matches!(fetch(&*recordings, &at(gone)).await.0, Err(Unfetched::Missing(_))));
        let before = server.asked().len();
        let refused = fetch(&*unnamed.recordings().unwrap(), &at(file)).await.0;
        let line = format!("recordings.from = [\"{}\"]", server.origin);
        assert!(matches!(&refused, Err(Unfetched::NotConfigured(text)) if text.contains(&line)), "{refused:?}");
        assert_eq!(server.asked().len(), before);
    }
}
