//! Which profiles are read, and which are refused.

use super::*;

#[test]
fn the_built_in_profiles_are_valid_and_have_their_names() {
    for (name, _) in BUILT_IN {
        let profile = Profile::load(name).expect(name);
        assert_eq!(profile.name, name);
        assert!(profile.has(Transport::Stream));
    }
}

#[test]
fn an_error_is_one_line_that_names_the_problem() {
    let own = BUILT_IN[0].1;
    let bad = [
        (own.replace("[poll]", "[pull]"), "pull"),
        (own.replace("json:cursor", "body:cursor"), "body:cursor"),
        (own.replace("json:cursor", "link:next"), "link:RELATION"),
        (
            own.replace("query:cursor", "cookie:cursor"),
            "cookie:cursor",
        ),
        (
            own.replace("\"/messages\"", "\"messages\""),
            "begins with /",
        ),
        (own.replace("{wait}", "{seconds}"), "{seconds}"),
        (own.replace("{text}", "hello"), "{text}"),
        (
            own.replace("Content-Type", "\"Content Type\""),
            "Content Type",
        ),
        (own.replace("cursor = [", "cursor = [] #"), "no cursor"),
        ("name = ".to_owned(), "line 1"),
    ];
    for (text, what) in bad {
        let error = format!("{:#}", Profile::parse(&text).expect_err(what));
        assert!(error.contains(what), "{what}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn braces_of_json_are_not_placeholders() {
    let body = r#"{"a":{"text":"{text}"},"b":{}}"#;
    assert!(placeholders(body, PUBLISH_PLACEHOLDERS).is_ok());
}

#[test]
fn only_what_publishes_has_a_message_and_its_key() {
    let own = BUILT_IN[0].1;
    for (old, new, place) in [
        ("/poll?room={room}\"", "/poll?room={room}&id={id}\"", "poll"),
        ("/stream?room={room}", "/stream?room={text}", "stream"),
        (
            "[publish]",
            "headers = { X-Key = \"{id}\" }\n[publish]",
            "the header X-Key",
        ),
    ] {
        let error = Profile::parse(&own.replace(old, new)).expect_err(place);
        let error = format!("{error:#}");
        assert!(
            error.starts_with(&format!("{place}: there is no {{")),
            "{error}"
        );
        assert!(error.ends_with("use {room}, {wait}"), "{error}");
    }
}
