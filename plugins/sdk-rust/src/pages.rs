//! Lists that the CRM gives page by page.

use crate::{Failure, Problem};

/// Walks through a list to its end, and returns all its items.
///
/// `fetch` gets the cursor of a page (none: the first) and returns its items and the cursor of the next; none: that was
/// the last page.
///
/// ```
/// use hookswitch_sdk::http::Request;
/// use hookswitch_sdk::{Failure, pages};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Page {
///     users: Vec<serde_json::Value>,
///     next: Option<String>,
/// }
///
/// fn users() -> Result<Vec<serde_json::Value>, Failure> {
///     pages(100, |after: Option<&String>| {
///         let request = Request::get("users").query("after", after.map_or("", String::as_str)).credential("crm");
///         let page: Page = request.send()?.success()?.json()?;
///         Ok((page.users, page.next))
///     })
/// }
/// ```
///
/// # Errors
/// Those of `fetch`. More than `most` pages, or a cursor that comes twice: a list cut short must not pass for the whole.
pub fn pages<T, C: PartialEq>(
    most: usize,
    mut fetch: impl FnMut(Option<&C>) -> Result<(Vec<T>, Option<C>), Failure>,
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    let mut cursors: Vec<C> = Vec::new();
    for _ in 0..most {
        let (items, next) = fetch(cursors.last())?;
        all.extend(items);
        match next {
            None => return Ok(all),
            Some(next) if cursors.contains(&next) => {
                return Err(failure("the CRM's list of pages runs in a circle".into()));
            }
            Some(next) => cursors.push(next),
        }
    }
    Err(failure(format!("the CRM's list has more than {most} pages")))
}

fn failure(text: String) -> Failure {
    Failure::Other(Problem { code: "pages".into(), text, detail: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_to_its_end() {
        let found = pages(9, |after: Option<&u32>| {
            Ok(match after {
                None => (vec!["a", "b"], Some(1)),
                Some(1) => (vec![], Some(2)),
                Some(_) => (vec!["c"], None),
            })
        });
        assert_eq!(found, Ok(vec!["a", "b", "c"]));
    }

    #[test]
    fn a_list_is_walked_neither_for_ever_nor_in_a_circle() {
        let circle = pages(9, |_: Option<&u32>| Ok((vec![0], Some(7))));
        assert!(matches!(circle, Err(Failure::Other(problem)) if problem.text.contains("circle")));
        let mut page = 0;
        let endless = pages(5, |_: Option<&u32>| {
            page += 1;
            Ok((vec![0], Some(page)))
        });
        assert!(matches!(endless, Err(Failure::Other(problem)) if problem.text.contains("more than 5")));
        assert_eq!(page, 5);
    }

    #[test]
    fn a_page_that_fails_fails_the_list() {
        let failed = pages(9, |after: Option<&u32>| match after {
            None => Ok((vec![0], Some(1))),
            Some(_) => Err(Failure::temporary("busy")),
        });
        assert_eq!(failed, Err(Failure::temporary("busy")));
    }
}
