//! The words: Fluent messages by key and language.

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::language::Language;

/// A value for a placeable: `"…".into()`, `3.into()`. Numbers choose plural forms.
pub use fluent_bundle::FluentValue as Arg;

type Bundle = FluentBundle<FluentResource>;

/// The message `key` in `language` with `args` put in. The result is plain text: templates escape it.
///
/// A key without a message gives the key itself, and a variable that is missing gives its name: a page
/// with one odd word is better than none. Tests hold every key and variable to all languages.
pub fn text(language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> String {
    let bundle = bundle(language);
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
    bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
}

/// The messages of a language, read once when it is first spoken.
fn bundle(language: Language) -> &'static Bundle {
    static BUNDLES: [OnceLock<Bundle>; 4] = [const { OnceLock::new() }; 4];
    let [en, de, es, fr] = &BUNDLES;
    let cell = match language {
        Language::En => en,
        Language::De => de,
        Language::Es => es,
        Language::Fr => fr,
    };
    cell.get_or_init(|| load(language))
}

fn load(language: Language) -> Bundle {
    let tag = language.code().parse::<LanguageIdentifier>().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // None of our languages is written from right to left, and the isolating marks that Fluent would
    // put around each value count as characters of a post.
    bundle.set_use_isolating(false);
    for source in sources(language) {
        // What can be read of a file is used; a test shows that all of it can.
        let resource = match FluentResource::try_new((*source).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The Fluent files of a language.
fn sources(language: Language) -> &'static [&'static str] {
    macro_rules! files {
        ($code:literal) => {
            &[
                include_str!(concat!("../locales/", $code, "/common.ftl")),
                include_str!(concat!("../locales/", $code, "/replies.ftl")),
                include_str!(concat!("../locales/", $code, "/mails.ftl")),
                include_str!(concat!("../locales/", $code, "/pages.ftl")),
            ]
        };
    }
    match language {
        Language::En => files!("en"),
        Language::De => files!("de"),
        Language::Es => files!("es"),
        Language::Fr => files!("fr"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

    use super::*;

    /// Every key of a language with the variables that its message uses.
    fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        for source in sources(language) {
            let parsed = fluent_syntax::parser::parse(*source)
                .unwrap_or_else(|(_, errors)| panic!("{language}: {errors:?}"));
            for entry in parsed.body {
                let Entry::Message(message) = entry else { continue };
                let mut variables = BTreeSet::new();
                walk(message.value.as_ref().expect("a value"), &mut variables);
                let key = message.id.name.to_owned();
                assert!(found.insert(key.clone(), variables).is_none(), "{language}: {key} twice");
            }
        }
        found
    }

    fn walk(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
        for element in &pattern.elements {
            let PatternElement::Placeable { expression } = element else { continue };
            match expression {
                Expression::Inline(inline) => variable(inline, variables),
                Expression::Select { selector, variants } => {
                    variable(selector, variables);
                    variants.iter().for_each(|variant| walk(&variant.value, variables));
                }
            }
        }
    }

    fn variable(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
        if let InlineExpression::VariableReference { id } = inline {
            variables.insert(id.name.to_owned());
        }
    }

    /// The Rust sources and templates of the workspace.
    fn sources_of_the_workspace() -> Vec<String> {
        fn collect(folder: &Path, found: &mut Vec<String>) {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.is_dir() {
                    if !path.file_name().is_some_and(|name| name == "target" || name == "node_modules") {
                        collect(&path, found);
                    }
                } else if path.extension().is_some_and(|e| ["rs", "html", "txt"].iter().any(|x| e == *x)) {
                    found.push(std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = Vec::new();
        for folder in ["shared", "functions", "cli"] {
            collect(&root.join(folder), &mut found);
        }
        found
    }

    #[test]
    fn every_language_has_every_key_with_the_same_variables() {
        let english = messages(Language::En);
        assert!(english.len() > 80);
        for language in Language::ALL {
            assert_eq!(messages(language), english, "{language}");
        }
    }

    #[test]
    fn no_key_is_unused() {
        let sources = sources_of_the_workspace();
        let unused: Vec<_> = messages(Language::En)
            .into_keys()
            .filter(|key| !sources.iter().any(|source| source.contains(&format!("\"{key}\""))))
            .collect();
        assert_eq!(unused, Vec::<String>::new());
    }

    #[test]
    fn replies_hold_no_sign_that_a_network_acts_on() {
        for language in Language::ALL {
            let replies = sources(language)[1];
            for line in replies.lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains(['@', '#', '＠', '＃']) && !line.contains("://"), "{line}");
            }
        }
    }

    #[test]
    fn plurals_follow_the_language_and_a_missing_key_shows_itself() {
        assert_eq!(text(Language::De, "reply-more", &[("count", 1.into())]), "und 1 weiteres");
        assert_eq!(text(Language::De, "reply-more", &[("count", 2.into())]), "und 2 weitere");
        assert_eq!(text(Language::En, "no-such-key", &[]), "no-such-key");
    }
}
