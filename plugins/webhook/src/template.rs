//! Bodies from the admin's templates, in the language of Jinja. Where the body is JSON every value is written as JSON, so that
//! nothing that a caller is called can break out of its text.

use hookswitch_sdk::{Failure, settings};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

use crate::options;
use crate::post::Body;

/// A template may do so much work, in steps of the engine.
const FUEL: u64 = 200_000;
/// The longest body, in bytes.
const LONGEST: usize = 256 * 1024;
/// The longest template, in bytes.
const LARGEST: usize = 64 * 1024;

/// The setting with the template of an event, and the template; none if the event is not posted.
///
/// # Errors
/// *Not configured*: there is none.
pub(crate) fn of(event: &str) -> Result<Option<(String, String)>, Failure> {
    let own = options::template_of(event);
    let (name, text) = match settings::get(&own) {
        Some(text) if text == "-" => return Ok(None),
        Some(text) => (own, text),
        None => match settings::get("template") {
            Some(text) => ("template".to_owned(), text),
            None => {
                return Err(Failure::NotConfigured(format!(
                    "there is no template for `{event}`: set `template`, or `{own}` (`-`: it is not posted)"
                )));
            }
        },
    };
    Ok(Some((name, text)))
}

/// The template in this setting; none if there is none, or if it says that nothing is posted.
pub(crate) fn named(setting: &str) -> Option<String> {
    settings::get(setting).filter(|text| text != "-")
}

/// What is posted of a context by a template.
///
/// # Errors
/// As [`render`].
pub(crate) fn body(name: &str, text: &str, context: &Value) -> Result<Body, Failure> {
    let content_type = settings::get("content-type").unwrap_or_else(|| "application/json".to_owned());
    let text = render(name, text, &content_type, context)?;
    Ok(Body::Text { content_type, text })
}

/// Renders a template: `name` is the setting that it is from.
///
/// # Errors
/// *Rejected*: what is wrong with it, and where; or its output is no JSON and is to be.
fn render(name: &str, text: &str, content_type: &str, context: &Value) -> Result<String, Failure> {
    let wrong =
        |problem: String| Failure::rejected_with("template", format!("setting `{name}` cannot be rendered"), problem);
    if text.len() > LARGEST {
        return Err(wrong(format!("it has more than {LARGEST} bytes")));
    }
    let json = is_json(content_type);
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(move |_| if json { AutoEscape::Json } else { AutoEscape::None });
    let template = environment.template_from_named_str(name, text).map_err(|error| wrong(told(&error)))?;
    let mut body = Bounded { body: Vec::new() };
    template.render_captured_to(minijinja::value::Serde(context), &mut body).map_err(|error| wrong(told(&error)))?;
    let body = String::from_utf8(body.body).map_err(|error| wrong(error.to_string()))?;
    if json && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&body) {
        return Err(wrong(format!("what comes out is no JSON: {error}")));
    }
    Ok(body)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn told(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}{error}")
}

struct Bounded {
    body: Vec<u8>,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.body.len() + bytes.len() > LONGEST {
            return Err(std::io::Error::other(format!("the body is longer than {LONGEST} bytes")));
        }
        self.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(text: &str, content_type: &str) -> Result<String, String> {
        let context = json!({"call": {"external_name": "A \"quoted\" \\ name\n", "external": null, "leg": 1}});
        render("template", text, content_type, &context).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn a_value_cannot_break_out_of_a_json_body() {
        let body =
            rendered(r#"{"name": {{ call.external_name }}, "leg": {{ call.leg }}}"#, "application/json").unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, json!({"name": "A \"quoted\" \\ name\n", "leg": 1}));
        assert_eq!(rendered("{{ call.leg }}, {{ call.external.e164 }}!", "text/plain").unwrap(), "1, !");
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (text, part) in [
            ("{\"a\": {{ call. }}", "template"),
            ("{\"a\": ", "no JSON"),
            ("{% for i in range(100000000) %}x{% endfor %}", "range"),
            (
                "{% for a in call.external_name %}{% for b in call.external_name %}{% for c in call.external_name %}\
              {% for d in call.external_name %}{% for e in call.external_name %}x{% endfor %}{% endfor %}{% endfor %}\
              {% endfor %}{% endfor %}",
                "fuel",
            ),
        ] {
            let error = rendered(text, "application/json").unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
