//! The words of the grammar, by language: one table.
//!
//! Every word stands in its folded form (see [`crate::text::fold`]), its apostrophe straight.
//! docs/GRAMMAR.md shows the table to merchants; a test keeps the two alike.

use std::collections::HashMap;

use crate::ids::Lang;
use crate::text;

/// The words of one language.
pub(super) struct Vocabulary {
    /// The primary language subtag.
    pub(super) language: &'static str,
    /// Out of the cart.
    pub(super) remove: &'static [&'static str],
    /// Out of the cart, but common words otherwise: they count only alone in their sentence.
    pub(super) remove_alone: &'static [&'static str],
    /// Out of the cart, together with one of `from`: `take it from my #AcmeCart`.
    pub(super) take: &'static [&'static str],
    /// How does it work?
    pub(super) help: &'static [&'static str],
    /// No answers any more.
    pub(super) stop: &'static [&'static str],
    /// No answers any more, alone in its sentence.
    pub(super) stop_alone: &'static [&'static str],
    /// Answers again, alone in its sentence.
    pub(super) start_alone: &'static [&'static str],
    /// Turns the command behind it off.
    pub(super) negation: &'static [&'static str],
    /// May stand between a command and the tag.
    pub(super) filler: &'static [&'static str],
    /// May stand there too, and says what something is taken out of.
    pub(super) from: &'static [&'static str],
    /// A number follows that says how many.
    pub(super) label: &'static [&'static str],
    /// Says how many by the number before it.
    pub(super) unit: &'static [&'static str],
    /// Behind `2x`: a comparison, not a quantity.
    pub(super) compare: &'static [&'static str],
    /// Never chooses an option, though it stands near the tag.
    pub(super) noise: &'static [&'static str],
}

/// All languages. English counts in every storefront.
pub(super) const VOCABULARIES: &[Vocabulary] = &[
    Vocabulary {
        language: "en",
        remove: &["remove", "undo", "delete"],
        remove_alone: &["pass", "cancel"],
        take: &["take", "drop"],
        help: &["help"],
        stop: &["stop", "unsubscribe"],
        stop_alone: &[],
        start_alone: &["start", "resume", "unstop"],
        negation: &[
            "don't", "dont", "not", "never", "no", "can't", "cant", "cannot", "won't", "wont", "doesn't",
            "didn't", "couldn't", "wouldn't", "isn't", "without", "nobody", "nothing",
        ],
        filler: &[
            "please", "pls", "plz", "kindly", "hey", "hi", "hello", "ok", "okay", "just", "now", "again",
            "the", "a", "an", "this", "that", "these", "those", "it", "them", "item", "items", "my", "our",
            "i", "i'd", "we", "you", "can", "could", "would", "want", "need", "like", "to", "me", "us",
            "with", "and",
        ],
        from: &["from", "off", "out", "of"],
        label: &["qty", "quantity"],
        unit: &["pc", "pcs", "piece", "pieces", "unit", "units"],
        compare: &[
            "the", "as", "more", "less", "faster", "better", "bigger", "larger", "smaller", "stronger",
            "longer", "brighter", "lighter", "cheaper", "zoom", "speed", "power",
        ],
        noise: &[
            "in", "on", "at", "for", "by", "be", "is", "am", "are", "was", "were", "i'm", "i'll", "i've",
            "it's", "its", "that's", "let's", "so", "but", "or", "if", "do", "did", "does", "have", "has",
            "had", "get", "getting", "got", "give", "add", "adding", "buy", "buying", "order", "put", "love",
            "loving", "thanks", "thank", "thx", "your", "yours", "mine", "his", "her", "hers", "their", "he",
            "she", "they", "him", "too", "also", "very", "really", "much", "here", "there", "what", "when",
            "where", "who", "how", "why", "all", "some", "any", "good", "great", "nice", "cool", "wow",
            "yes", "yeah", "oh", "omg", "lol", "cart", "basket", "wish", "list", "been", "then", "than",
            "will", "shall", "should", "may", "must", "up", "back", "go", "going", "gonna", "wanna", "make",
            "look", "looks", "see", "one", "ones", "each", "rt", "via",
        ],
    },
    Vocabulary {
        language: "de",
        remove: &["entferne", "entfernen", "lösche", "löschen", "rückgängig", "streiche", "streichen"],
        remove_alone: &["raus", "storno", "stornieren", "storniere", "abbrechen", "weg"],
        take: &["nimm", "nehme", "nehmen", "nehmt", "wirf", "tu"],
        help: &["hilfe"],
        stop: &["stop", "stopp", "abmelden"],
        stop_alone: &["aufhören", "schluss"],
        start_alone: &["start", "starten", "fortsetzen", "anmelden", "weiter"],
        negation: &["nicht", "nie", "niemals", "kein", "keine", "keinen", "keinesfalls", "ohne", "nix"],
        filler: &[
            "bitte",
            "hallo",
            "hi",
            "mal",
            "doch",
            "jetzt",
            "wieder",
            "der",
            "die",
            "das",
            "den",
            "dem",
            "des",
            "ein",
            "eine",
            "einen",
            "einem",
            "dies",
            "diese",
            "dieses",
            "diesen",
            "es",
            "ihn",
            "sie",
            "artikel",
            "mein",
            "meine",
            "meinen",
            "meinem",
            "meiner",
            "ich",
            "wir",
            "mir",
            "mich",
            "uns",
            "du",
            "ihr",
            "kann",
            "kannst",
            "könnt",
            "könntet",
            "könntest",
            "möchte",
            "will",
            "brauche",
            "zu",
            "mit",
            "und",
            "heraus",
        ],
        from: &["aus", "vom", "von"],
        label: &["menge", "anzahl"],
        unit: &["stück", "stueck", "stk", "mal", "exemplare"],
        compare: &[
            "so",
            "mehr",
            "weniger",
            "schneller",
            "besser",
            "grösser",
            "kleiner",
            "stärker",
            "länger",
            "heller",
            "leichter",
            "billiger",
            "günstiger",
        ],
        noise: &[
            "in",
            "im",
            "auf",
            "an",
            "am",
            "bei",
            "für",
            "ist",
            "bin",
            "sind",
            "war",
            "aber",
            "oder",
            "wenn",
            "hab",
            "habe",
            "haben",
            "hat",
            "hätte",
            "gern",
            "gerne",
            "kaufe",
            "kaufen",
            "nehm",
            "bestelle",
            "bestellen",
            "füge",
            "hinzufügen",
            "hinzu",
            "leg",
            "lege",
            "danke",
            "dankeschön",
            "dein",
            "deine",
            "euer",
            "eure",
            "sein",
            "seine",
            "auch",
            "sehr",
            "echt",
            "wirklich",
            "hier",
            "da",
            "was",
            "wann",
            "wo",
            "wer",
            "wie",
            "warum",
            "alle",
            "gut",
            "toll",
            "super",
            "schön",
            "klasse",
            "ja",
            "ach",
            "warenkorb",
            "korb",
            "wunsch",
            "wunschliste",
            "dann",
            "noch",
            "schon",
            "nur",
            "man",
            "wird",
            "werde",
            "liebe",
            "lieb",
        ],
    },
    Vocabulary {
        language: "es",
        remove: &[
            "quita",
            "quitar",
            "quítalo",
            "elimina",
            "eliminar",
            "elimine",
            "elimínalo",
            "borra",
            "borrar",
            "bórralo",
            "deshacer",
            "deshaz",
        ],
        remove_alone: &["cancelar", "cancela", "paso", "fuera"],
        take: &["saca", "sacar", "saque", "sácalo"],
        help: &["ayuda", "ayúdame", "ayúdenme"],
        stop: &["stop", "parar", "pare", "detener", "detén"],
        stop_alone: &["baja", "basta"],
        start_alone: &["start", "iniciar", "inicia", "empezar", "reanudar", "reanuda", "alta"],
        negation: &["no", "nunca", "jamás", "sin", "nada", "ni"],
        filler: &[
            "por",
            "favor",
            "porfa",
            "hola",
            "ya",
            "ahora",
            "otra",
            "vez",
            "el",
            "la",
            "los",
            "las",
            "lo",
            "un",
            "una",
            "esto",
            "este",
            "esta",
            "eso",
            "ese",
            "esa",
            "artículo",
            "producto",
            "mi",
            "mis",
            "me",
            "yo",
            "puedes",
            "puede",
            "podéis",
            "pueden",
            "podrías",
            "quiero",
            "quisiera",
            "necesito",
            "que",
            "y",
            "con",
        ],
        from: &["de", "del", "desde"],
        label: &["cantidad", "cant"],
        unit: &["unidad", "unidades", "uds", "ud", "pieza", "piezas", "veces"],
        compare: &["más", "menos", "mejor", "mayor", "tan", "potencia", "velocidad"],
        noise: &[
            "en", "a", "al", "para", "es", "soy", "son", "está", "era", "pero", "o", "si", "sí", "tengo",
            "tiene", "compro", "comprar", "añade", "añadir", "agrega", "agregar", "pon", "poner", "pedir",
            "pido", "gracias", "tu", "tus", "su", "sus", "también", "muy", "mucho", "aquí", "allí", "qué",
            "cuándo", "dónde", "quién", "cómo", "todo", "todos", "bien", "bueno", "genial", "guay",
            "encanta", "gusta", "carrito", "cesta", "lista", "deseos", "se", "te", "le", "nos", "les",
            "como", "cuando", "ser", "estar", "quiere",
        ],
    },
    Vocabulary {
        language: "fr",
        remove: &[
            "retire",
            "retirer",
            "retirez",
            "enlève",
            "enlever",
            "enlevez",
            "supprime",
            "supprimer",
            "supprimez",
            "annule",
            "annuler",
            "annulez",
        ],
        remove_alone: &["effacer", "efface", "passe", "défaire"],
        take: &["sors", "sortir", "sortez", "ôte", "ôter", "prends", "prendre"],
        help: &["aide", "aidez", "aide-moi", "aidez-moi"],
        stop: &["stop", "arrêter", "arrête", "arrêtez", "désabonner", "désinscrire"],
        stop_alone: &["arrêt", "fin"],
        start_alone: &["start", "démarrer", "commencer", "reprendre", "relancer"],
        negation: &["ne", "n'", "pas", "jamais", "rien", "sans", "non", "aucun", "aucune"],
        filler: &[
            "s'",
            "svp",
            "stp",
            "vous",
            "te",
            "plaît",
            "plait",
            "il",
            "bonjour",
            "salut",
            "maintenant",
            "encore",
            "le",
            "la",
            "les",
            "l'",
            "un",
            "une",
            "ce",
            "cet",
            "cette",
            "ces",
            "ça",
            "cela",
            "ceci",
            "article",
            "produit",
            "mon",
            "ma",
            "mes",
            "me",
            "moi",
            "je",
            "j'",
            "tu",
            "peux",
            "peut",
            "pouvez",
            "pourriez",
            "pourrais",
            "veux",
            "voudrais",
            "besoin",
            "à",
            "et",
            "avec",
        ],
        from: &["de", "du", "d'", "des", "hors"],
        label: &["quantité", "quantite", "qté", "qte"],
        unit: &["pièce", "pièces", "unité", "unités", "exemplaire", "exemplaires", "fois"],
        compare: &["plus", "moins", "aussi", "mieux", "meilleur", "meilleure", "puissance", "vitesse"],
        noise: &[
            "en",
            "dans",
            "sur",
            "au",
            "aux",
            "pour",
            "par",
            "est",
            "suis",
            "sont",
            "était",
            "mais",
            "ou",
            "si",
            "ai",
            "as",
            "a",
            "avoir",
            "achète",
            "acheter",
            "ajoute",
            "ajouter",
            "ajoutez",
            "mets",
            "mettre",
            "commande",
            "commander",
            "merci",
            "ton",
            "ta",
            "tes",
            "son",
            "sa",
            "ses",
            "notre",
            "votre",
            "vos",
            "nos",
            "leur",
            "très",
            "trop",
            "bien",
            "bon",
            "super",
            "génial",
            "ici",
            "là",
            "quoi",
            "quand",
            "où",
            "qui",
            "que",
            "comment",
            "pourquoi",
            "tout",
            "tous",
            "oui",
            "adore",
            "aime",
            "panier",
            "liste",
            "envies",
            "souhaits",
            "c'",
            "m'",
            "t'",
            "qu'",
            "nous",
            "on",
            "elle",
            "ils",
            "lui",
            "y",
        ],
    },
];

/// What a word may do; a word may do several things, in several languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles(u16);

impl Roles {
    pub(super) const REMOVE: Self = Self(1);
    pub(super) const TAKE: Self = Self(1 << 1);
    pub(super) const HELP: Self = Self(1 << 2);
    pub(super) const STOP: Self = Self(1 << 3);
    pub(super) const START: Self = Self(1 << 4);
    /// Its command counts only alone in its sentence.
    pub(super) const ALONE: Self = Self(1 << 5);
    pub(super) const NEGATION: Self = Self(1 << 6);
    pub(super) const FILLER: Self = Self(1 << 7);
    pub(super) const FROM: Self = Self(1 << 8);
    pub(super) const LABEL: Self = Self(1 << 9);
    pub(super) const UNIT: Self = Self(1 << 10);
    pub(super) const COMPARE: Self = Self(1 << 11);
    pub(super) const NOISE: Self = Self(1 << 12);

    /// Whether it may do any of `roles`.
    pub(super) fn any(self, roles: Self) -> bool {
        self.0 & roles.0 != 0
    }

    /// Both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it may be a command.
    pub(super) fn is_command(self) -> bool {
        self.any(Self::REMOVE.and(Self::HELP).and(Self::STOP).and(Self::START))
    }
}

/// No vocabulary has a longer word, in bytes.
const GLANCE: usize = 16;

/// The words of some languages, ready to be looked up.
#[derive(Clone, Debug)]
pub(super) struct Words(HashMap<&'static str, Roles>);

impl Words {
    /// The words of `languages` and of English.
    pub(super) fn of<'a>(languages: impl Iterator<Item = &'a Lang>) -> Self {
        let languages: Vec<&str> = languages.map(Lang::primary).collect();
        let mut words = Self(HashMap::new());
        for vocabulary in VOCABULARIES {
            if vocabulary.language == "en" || languages.contains(&vocabulary.language) {
                words.add(vocabulary);
            }
        }
        words
    }

    fn add(&mut self, vocabulary: &Vocabulary) {
        for (list, roles) in roles(vocabulary) {
            for word in list {
                let entry = self.0.entry(word).or_default();
                *entry = entry.and(roles);
            }
        }
    }

    /// Whether a text says more than a command and small words, as can be seen at a glance: without
    /// splitting or folding it, and allocating nothing. Most posts that mention us say more in their
    /// first words; what isn't seen here is read in full.
    pub(super) fn surely_say_more(&self, text: &str) -> bool {
        text.split_ascii_whitespace().any(|piece| self.is_another_word(piece))
    }

    /// Whether a piece between spaces surely is or holds a word that is neither a command nor small: a
    /// run of ASCII letters that isn't known as one, or a letter that no vocabulary has. What may belong
    /// to a mention is left open.
    fn is_another_word(&self, piece: &str) -> bool {
        if piece.contains(['@', '＠']) {
            return false;
        }
        let word =
            piece.trim_matches(|c: char| matches!(c, ',' | '.' | '!' | '?' | ';' | ':' | '(' | ')' | '"'));
        if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            let mut lower = [0; GLANCE];
            let Some(lower) = lower.get_mut(..word.len()) else { return true };
            lower.copy_from_slice(word.as_bytes());
            lower.make_ascii_lowercase();
            let roles = std::str::from_utf8(lower).map(|lower| self.roles(lower)).unwrap_or_default();
            return !word.is_empty() && !roles.any(Roles::FILLER) && !roles.is_command();
        }
        word.chars().any(text::is_far_letter)
    }

    /// What the folded word may do.
    pub(super) fn roles(&self, folded: &str) -> Roles {
        self.0.get(folded).copied().unwrap_or_default()
    }
}

/// The lists of a language with what their words do.
pub(super) fn roles(vocabulary: &Vocabulary) -> [(&'static [&'static str], Roles); 14] {
    [
        (vocabulary.remove, Roles::REMOVE),
        (vocabulary.remove_alone, Roles::REMOVE.and(Roles::ALONE)),
        (vocabulary.take, Roles::TAKE),
        (vocabulary.help, Roles::HELP),
        (vocabulary.stop, Roles::STOP),
        (vocabulary.stop_alone, Roles::STOP.and(Roles::ALONE)),
        (vocabulary.start_alone, Roles::START.and(Roles::ALONE)),
        (vocabulary.negation, Roles::NEGATION),
        (vocabulary.filler, Roles::FILLER),
        (vocabulary.from, Roles::FROM.and(Roles::FILLER)),
        (vocabulary.label, Roles::LABEL),
        (vocabulary.unit, Roles::UNIT),
        (vocabulary.compare, Roles::COMPARE),
        (vocabulary.noise, Roles::NOISE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_fits_a_glance() {
        let longest = |vocabulary: &Vocabulary| {
            roles(vocabulary).iter().flat_map(|(list, _)| list.iter().map(|word| word.len())).max()
        };
        assert!(VOCABULARIES.iter().filter_map(longest).max() <= Some(GLANCE));
    }
}
