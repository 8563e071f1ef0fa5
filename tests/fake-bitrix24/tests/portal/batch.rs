use fake_bitrix24::{Bucket, Effect, Fault, Operating};
use serde_json::json;

use crate::client::{ALICE, ANA, BOB, Site};

#[tokio::test]
async fn commands_run_in_order_and_may_use_earlier_results() {
    let site = Site::new().await;
    let answer = site
        .call(
            "batch",
            json!({"halt": 0, "cmd": {
                "who": "telephony.externalCall.searchCrmEntities?PHONE_NUMBER=%2B15550100",
                "card": "crm.contact.get?id=$result[who][0][CRM_ENTITY_ID]",
                "users": "user.get?FILTER[ACTIVE]=1",
            }}),
        )
        .await;
    let result = answer.result();
    assert_eq!(result["result"]["card"]["ID"], ANA.to_string());
    assert_eq!(result["result_total"], json!({"users": 3}));
    assert_eq!(result["result_error"], json!([]), "empty maps come as lists");
    assert_eq!(result["result_next"], json!([]));
    assert!(result["result_time"]["who"]["operating_reset_at"].is_i64());
    assert!(answer.body["time"]["duration"].is_number());
}

#[tokio::test]
async fn cards_of_several_users_are_hidden_in_one_request() {
    let site = Site::new().await;
    let id = site.ringing("1").await;
    site.call("telephony.externalcall.show", json!({"CALL_ID": id, "USER_ID": [ALICE, BOB]})).await.result();
    let hide = |user: u64| format!("telephony.externalcall.hide?CALL_ID={id}&USER_ID={user}");
    let answer = site.call("batch", json!({"cmd": [hide(ALICE), hide(BOB)]})).await;
    assert_eq!(answer.result()["result"], json!([true, true]), "commands without names are a list");
    assert_eq!(site.visible(&id), json!([]));
}

#[tokio::test]
async fn an_error_stays_with_its_command_unless_the_batch_halts() {
    let site = Site::new().await;
    let commands = json!({"a": "crm.contact.get?id=99999", "b": format!("crm.contact.get?id={ANA}")});
    let answer = site.call("batch", json!({"halt": 0, "cmd": commands})).await;
    let result = answer.result();
    assert_eq!(result["result_error"]["a"], json!({"error": "", "error_description": "Not found"}));
    assert_eq!(result["result"]["b"]["ID"], ANA.to_string());
    let halted = site.call("batch", json!({"halt": 1, "cmd": commands})).await;
    assert_eq!(halted.result()["result"], json!([]));
}

#[tokio::test]
async fn a_batch_of_more_than_fifty_commands_is_refused() {
    let site = Site::new().await;
    site.call("batch", json!({"cmd": vec!["profile"; 50]})).await.result();
    let answer = site.call("batch", json!({"cmd": vec!["profile"; 51]})).await;
    assert_eq!(answer.refusal(), (400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"));
}

#[tokio::test]
async fn nested_batches_and_uploads_are_refused_within_a_batch() {
    let site = Site::new().await;
    let commands =
        json!({"n": "batch?cmd[a]=profile", "u": "telephony.externalCall.attachRecord?CALL_ID=x", "ok": "profile"});
    let answer = site.call("batch", json!({"cmd": commands})).await;
    let errors = &answer.result()["result_error"];
    for key in ["n", "u"] {
        assert_eq!(errors[key]["error"], "ERROR_BATCH_METHOD_NOT_ALLOWED", "{key}");
    }
    assert_eq!(answer.result()["result"]["ok"]["ID"], "7");
}

#[tokio::test]
async fn a_batch_without_commands_is_refused() {
    let site = Site::new().await;
    assert_eq!(site.call("batch", json!({"cmd": "profile"})).await.status, 400);
}

#[tokio::test]
async fn a_batch_is_one_request_in_the_bucket_and_many_in_operating_time() {
    let site = Site::with(|options| {
        options.bucket = Some(Bucket { capacity: 2.0, drain: 0.001 });
        let second = std::time::Duration::from_secs(1);
        options.operating = Some(Operating { limit: second * 3, cost: second, ..Operating::default() });
    })
    .await;
    let answer = site.call("batch", json!({"cmd": vec!["profile"; 5]})).await;
    let result = answer.result();
    assert_eq!(result["result"].as_array().unwrap().len(), 3);
    assert_eq!(result["result_error"]["3"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(site.call("user.current", json!({})).await.status, 200, "the batch took one place in the bucket");
}

#[tokio::test]
async fn faults_strike_commands_inside_a_batch() {
    let site = Site::new().await;
    site.portal.inject(Fault::on("profile", Effect::ServerError));
    let answer = site.call("batch", json!({"cmd": {"a": "profile", "b": "profile"}})).await;
    assert_eq!(answer.result()["result_error"]["a"]["error"], "INTERNAL_SERVER_ERROR");
    assert_eq!(answer.result()["result"]["b"]["ID"], "7");
}
