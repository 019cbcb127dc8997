//! `Link` headers (RFC 8288), in which a server names the address of the next request.

/// The value of the query parameter `parameter` in the first target with this relation. `header` may contain several
/// links.
pub fn parameter_of(header: &str, relation: &str, parameter: &str) -> Option<String> {
    let target = links(header)
        .find_map(|(target, attributes)| has_relation(attributes, relation).then_some(target))?;
    let (_, query) = target.split_once('?')?;
    let query = query.split('#').next()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, _)| name == parameter)
        .map(|(_, value)| value.into_owned())
}

/// Each target with its attributes. A comma in a target does not end the link.
fn links(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = after.find(",").map_or(after.len(), |comma| {
            // Up to the next link; a comma within quotes belongs to an attribute.
            after[comma..]
                .find('<')
                .map_or(after.len(), |next| comma + next)
        });
        rest = &after[end..];
        Some((target, &after[..end]))
    })
}

fn has_relation(attributes: &str, relation: &str) -> bool {
    attributes.split(';').any(|attribute| {
        let Some((name, value)) = attribute.split_once('=') else {
            return false;
        };
        let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel")
            && value
                .split_ascii_whitespace()
                .any(|one| one.eq_ignore_ascii_case(relation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_the_next_link_is_found() {
        let header = r#"</items?after=3&page=a%20b>; rel="prev", <https://h/items?limit=5&after=k,9>; title="x, y"; rel="next last""#;
        let of = |relation, parameter| parameter_of(header, relation, parameter);
        assert_eq!(of("next", "after").as_deref(), Some("k,9"));
        assert_eq!(of("last", "limit").as_deref(), Some("5"));
        assert_eq!(of("prev", "page").as_deref(), Some("a b"));
        assert_eq!(of("first", "after"), None);
        assert_eq!(of("next", "cursor"), None);
        for odd in ["", "<", "<x>", "</a?b=1>", "</a?after=1>; rel", ">;<"] {
            assert_eq!(parameter_of(odd, "next", "after"), None, "{odd}");
        }
    }
}
