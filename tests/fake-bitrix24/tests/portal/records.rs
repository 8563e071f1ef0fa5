use hyper::Request;
use serde_json::{Value, json};

use crate::client::{Answer, Site};

const ATTACH: &str = "telephony.externalcall.attachRecord";
const TRANSCRIBE: &str = "telephony.call.attachTranscription";
const MULTIPART: &str = "multipart/form-data; boundary=XY";

/// base64 of `sound`.
const SOUND: &str = "c291bmQ=";

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

    let record = &site.portal.state()["calls"][0]["record"];
    assert_eq!((&record["bytes"], &record["via"]), (&json!(5), &json!("uploadUrl")));
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
    assert_eq!(site.portal.state()["calls"][0]["transcript"]["messages"], json!([good]));
}

#[tokio::test]
async fn a_transcript_before_finish_is_refused() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    let message = json!({"SIDE": "User", "START_TIME": 0, "STOP_TIME": 3, "MESSAGE": "Good morning"});
    let answer = site.call(TRANSCRIBE, json!({"CALL_ID": id, "MESSAGES": [message]})).await;
    assert_eq!(answer.refusal().2, format!("Call {id} is not found. Is it finished?"));
}
