//! Scripts for the scripted plugin, which does with secrets and answers whatever a plugin can.

use serde_json::{Map, Value, json};

use crate::{
    spelling::{Course, Secret},
    stage::Scene,
};

const BASE: &str = "b4se-of.the~crm+Zq9!";

/// The part of a script that sends one request after the other, all of them so many times; what comes back goes to the
/// log and into storage.
pub fn send(times: u32, requests: impl IntoIterator<Item = Value>) -> Value {
    let tell = json!([{"log": "<status> <answer>"}, {"put": {"scope": "plugin", "key": "last", "value": "<answer>"}}]);
    let ends: Map<String, Value> = ["200", "307", "400", "401", "500", "denied", "other"]
        .map(|end| (end.to_owned(), tell.clone()))
        .into_iter()
        .collect();
    let steps: Vec<Value> = requests
        .into_iter()
        .map(|mut request| {
            request["on"] = ends.clone().into();
            json!({"send": request})
        })
        .collect();
    json!({"repeat": {"times": times, "steps": steps}})
}

/// A request that the host puts a credential into.
pub fn with(handle: &str, place: &str) -> Value {
    json!({"method": "POST", "url": place, "credential": handle, "body": "x"})
}

/// A request that nothing is put into, but for placeholders.
pub fn bare(place: &str, body: &str) -> Value {
    json!({"method": "POST", "url": place, "credential": null, "body": body})
}

/// The scripted plugin with a script and TOML of credentials. Its CRM has a secret address in any case, and makes
/// callers known.
pub fn scene(script: &Value, credentials: &str, secrets: Vec<Secret>) -> Scene {
    let script = Value::from(script.to_string());
    let configuration = format!(
        "contacts = {{ create = \"automatic\", on = [\"inbound\"] }}\n\
         credentials.crm = {{ kind = \"base-url\", value = \"{{crm}}/k/{BASE}/\" }}\n\
         settings.script = {script}\n{credentials}\n"
    );
    Scene {
        plugin: "scripted.wasm",
        configuration,
        secrets: [vec![Secret::new("base", BASE, Course::Sent)], secrets].concat(),
        answer: |_| json!({"id": crate::crm::ECHO}),
        functions: &[],
        places: &["/log", "what others got"],
        commands: &[],
    }
}
