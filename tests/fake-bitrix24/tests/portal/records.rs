use std::time::Duration;

use fake_bitrix24::{Effect, Fault};
use hyper::Request;
use serde_json::{Value, json};

use crate::client::{ANA, Answer, Site, but};

const ATTACH: &str = "telephony.externalcall.attachRecord";
const TRANSCRIBE: &str = "telephony.call.attachTranscription";
const MULTIPART: &str = "multipart/form-data; boundary=XY";

/// base64 of `sound`, and its hash.
const SOUND: &str = "c291bmQ=";
const SHA256_OF_SOUND: &str = "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd";

async fn upload(site: &Site, url: &str, content_type: &str, part: &str) -> Answer {
    let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap());
    let body = format!(
        "--XY\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"a.mp3\"\r\n\r\nsound\r\n--XY--\r\n"
    );
    site.send(Request::post(path).header("content-type", content_type).body(body.into()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_record_before_finish_is_refused() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3", "FILE_CONTENT": SOUND})).await;
    let text = "Call is not found in the statistic table. Looks like it is not finished yet.";
    assert_eq!(answer.refusal(), (400, "ERROR_CORE", text));
}

#[tokio::test]
async fn wrong_files_are_refused() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    let cases = [
        (json!({}), "Required parameters are not set. Request should contain either URL or FILENAME parameter"),
        (json!({"FILENAME": ""}), "File name is empty"),
        (json!({"FILENAME": "a.ogg", "FILE_CONTENT": SOUND}), "Wrong file extension. Only wav and mp3 are allowed"),
        (json!({"FILENAME": "mp3", "FILE_CONTENT": SOUND}), "Wrong file extension. Only wav and mp3 are allowed"),
        (json!({"FILENAME": "a.mp3", "FILE_CONTENT": ""}), "File content is empty."),
        (
            json!({"FILENAME": "a.mp3", "FILE_CONTENT": "data:audio/mpeg;base64,c291bmQ="}),
            "File content is not properly encoded. Base64 encoding is expected.",
        ),
        (
            json!({"RECORD_URL": "http://10.0.0.1/a.mp3"}),
            "Record URL resolves to a non-public address and was blocked.",
        ),
    ];
    for (mut params, description) in cases {
        params["CALL_ID"] = json!(id);
        let answer = site.call(ATTACH, params.clone()).await;
        assert_eq!((answer.status, answer.refusal().2), (400, description), "{params}");
    }
    assert_eq!(site.portal.state()["calls"][0]["record"], Value::Null);
}

#[tokio::test]
async fn a_record_is_kept_and_a_later_one_replaces_it() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    for (name, content, bytes) in [("a.MP3", SOUND, 5), ("b.wav", "bG91ZGVyIHNvdW5k", 12)] {
        let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": name, "FILE_CONTENT": content})).await;
        let file = answer.result()["FILE_ID"].as_u64().unwrap();
        let record = &site.portal.state()["calls"][0]["record"];
        assert_eq!(
            (&record["filename"], &record["bytes"], &record["file_id"]),
            (&json!(name), &json!(bytes), &json!(file))
        );
    }
    assert_eq!(site.portal.state()["calls"][0]["records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_record_can_be_uploaded_once_to_the_address_given_out() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3"})).await;
    assert_eq!(answer.result()["fieldName"], "file");
    let url = answer.result()["uploadUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("https://localhost:{}/rest/", site.portal.address().port())), "{url}");

    let wrong_token = format!("{url}0");
    assert_eq!(upload(&site, &wrong_token, MULTIPART, "file").await.refusal().0, 401);
    assert_eq!(upload(&site, &url, "text/plain", "file").await.refusal().2, "multipart/form-data is expected");
    assert_eq!(upload(&site, &url, MULTIPART, "record").await.refusal().2, "a part named file is expected");
    upload(&site, &url, MULTIPART, "file").await.result();
    assert_eq!(upload(&site, &url, MULTIPART, "file").await.refusal().0, 401, "a token works once");

    let call = &site.portal.state()["calls"][0];
    let record = &call["record"];
    assert_eq!((&record["bytes"], &record["via"]), (&json!(5), &json!("uploadUrl")));
    assert_eq!(call["records"].as_array().unwrap().len(), 1);
    assert_eq!(record["sha256"], SHA256_OF_SOUND);
    assert_eq!(site.portal.file(record["file_id"].as_u64().unwrap()).unwrap(), "sound");
}

#[tokio::test]
async fn an_upload_address_is_not_good_for_ever_and_a_cut_or_empty_file_is_none() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    let address = async || {
        let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3"})).await;
        answer.result()["uploadUrl"].as_str().unwrap().to_owned()
    };
    let post = async |url: &str, body: &'static str| {
        let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap());
        site.send(Request::post(path).header("content-type", MULTIPART).body(body.into()).unwrap()).await.unwrap()
    };
    let url = address().await;
    let cut = "--XY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\nsou";
    assert_eq!(post(&url, cut).await.refusal().2, "a part named file is expected");
    let empty = "--XY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n\r\n--XY--\r\n";
    assert_eq!(post(&url, empty).await.refusal().2, "File content is empty.");
    let url = address().await;
    site.portal.advance(Duration::from_secs(3600));
    assert_eq!(
        upload(&site, &url, MULTIPART, "file").await.refusal(),
        (401, "NO_AUTH_FOUND", "Wrong authorization data")
    );
    assert_eq!(site.portal.state()["calls"][0]["record"], Value::Null);
}

#[tokio::test]
async fn an_answer_may_be_lost_at_either_step_of_an_upload() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    site.portal.inject(Fault::on(ATTACH, Effect::HalfAnswer));
    assert!(site.try_call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3"})).await.is_err());
    let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3"})).await;
    let url = answer.result()["uploadUrl"].as_str().unwrap().to_owned();
    site.portal.inject(Fault::on("upload", Effect::ServerError));
    assert_eq!(upload(&site, &url, MULTIPART, "file").await.status, 500);
    assert_eq!(site.portal.state()["calls"][0]["record"], Value::Null, "it was not carried out");
    site.portal.inject(Fault::on("upload", Effect::NotJson));
    assert_eq!(upload(&site, &url, MULTIPART, "file").await.text, "OK, thank you");
    assert_eq!(site.portal.state()["calls"][0]["record"]["bytes"], 5, "it was");
}

#[tokio::test]
async fn a_file_that_is_too_large_does_not_reach_the_portal() {
    let site = Site::with(|options| options.largest_body = 1000).await;
    let id = site.finished("1").await;
    let content = "AAAA".repeat(300);
    let answer = site.call(ATTACH, json!({"CALL_ID": id, "FILENAME": "a.mp3", "FILE_CONTENT": content})).await;
    assert_eq!((answer.status, answer.text.starts_with("<html>")), (413, true));
    assert_eq!(site.portal.state()["calls"][0]["record"], Value::Null);
}

#[tokio::test]
async fn a_portal_that_may_downloads_what_a_link_names() {
    let files = Site::with(|options| options.tls = false).await;
    let origin = files.portal.base_url();
    let origin = origin.split("/rest/").next().unwrap();
    let site = Site::with(|options| options.downloads = Some(String::new())).await;
    let id = site.finished("1").await;
    // The other portal is a web server like any other: of this page it has nothing, and at this one it says so with 401.
    for (path, status) in [("/r/1/a.mp3?key=k3y", 404), ("/rest/7/wrong/a.mp3", 401)] {
        let answer = site.call(ATTACH, json!({"CALL_ID": id, "RECORD_URL": format!("{origin}{path}")})).await;
        assert_eq!(answer.refusal(), (400, "ERROR_CORE", format!("Server returns HTTP error code {status}").as_str()));
    }
    let nowhere = site.call(ATTACH, json!({"CALL_ID": id, "RECORD_URL": "http://127.0.0.1:1/a.mp3"})).await;
    assert_eq!(nowhere.refusal().2, "Server returns HTTP error code 0");
    let page = files.path("profile");
    let wanted = json!({"CALL_ID": id, "FILENAME": "a.ogg", "RECORD_URL": format!("{origin}{page}")});
    let answer = site.call(ATTACH, wanted.clone()).await;
    assert_eq!(answer.refusal().2, "Wrong file extension. Only wav and mp3 are allowed");
    let answer = site.call(ATTACH, but(wanted, "FILENAME", json!("a.mp3"))).await;
    let content = site.portal.file(answer.result()["FILE_ID"].as_u64().unwrap()).unwrap();
    assert!(content.starts_with(b"{\"result\""), "{content:?}");
    let record = &site.portal.state()["calls"][0]["record"];
    assert_eq!((&record["via"], &record["filename"]), (&json!("RECORD_URL"), &json!("a.mp3")));
}

#[tokio::test]
async fn a_comment_takes_files_as_names_and_contents() {
    let site = Site::new().await;
    let comment = async |files: Value| {
        let fields = json!({"ENTITY_ID": ANA, "ENTITY_TYPE": "contact", "COMMENT": "More", "FILES": files});
        site.call("crm.timeline.comment.add", json!({"fields": fields})).await
    };
    for wrong in
        [json!("a.mp3"), json!([["a.mp3"]]), json!([["a.mp3", "?"]]), json!([["a.mp3", ""]]), json!([["", SOUND]])]
    {
        assert_eq!(comment(wrong.clone()).await.refusal().1, "INVALID_ARG_VALUE", "{wrong}");
    }
    comment(json!([["a.mp3", SOUND]])).await.result();
    let state = site.portal.state();
    assert_eq!(state["comments"].as_array().unwrap().len(), 1);
    let file = &state["comments"][0]["files"][0];
    assert_eq!(
        (&file["filename"], &file["bytes"], &file["sha256"]),
        (&json!("a.mp3"), &json!(5), &json!(SHA256_OF_SOUND))
    );
}

#[tokio::test]
async fn a_transcript_is_checked_message_by_message() {
    let site = Site::new().await;
    let id = site.finished("1").await;
    let good = json!({"SIDE": "User", "START_TIME": 0, "STOP_TIME": 3, "MESSAGE": "Good morning"});
    let cases = [
        ("SIDE", json!("Agent"), "MESSAGES[1][SIDE] should be either User or Client"),
        ("START_TIME", json!(-1), "MESSAGES[1][START_TIME] should be greater or equal to zero"),
        ("STOP_TIME", json!(0), "MESSAGES[1][STOP_TIME] should be greater than zero"),
        ("MESSAGE", json!(""), "MESSAGES[1][MESSAGE] is empty"),
    ];
    for (name, value, description) in cases {
        let mut bad = good.clone();
        bad[name] = value;
        let answer = site.call(TRANSCRIBE, json!({"CALL_ID": id, "MESSAGES": [good, bad]})).await;
        assert_eq!(answer.refusal(), (400, "ERROR_CORE", description));
    }
    let empty = site.call(TRANSCRIBE, json!({"CALL_ID": id, "MESSAGES": []})).await;
    assert_eq!(empty.status, 400);
    let answer = site.call(TRANSCRIBE, json!({"CALL_ID": id, "MESSAGES": [good]})).await;
    assert!(answer.result()["TRANSCRIPT_ID"].is_u64());
    let call = &site.portal.state()["calls"][0];
    assert_eq!((&call["transcript"]["messages"], call["transcripts"].as_array().unwrap().len()), (&json!([good]), 1));
}

#[tokio::test]
async fn a_transcript_before_finish_is_refused() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let message = json!({"SIDE": "User", "START_TIME": 0, "STOP_TIME": 3, "MESSAGE": "Good morning"});
    let answer = site.call(TRANSCRIBE, json!({"CALL_ID": id, "MESSAGES": [message]})).await;
    assert_eq!(answer.refusal().2, format!("Call {id} is not found. Is it finished?"));
}
