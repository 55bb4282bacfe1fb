//! X's weighted count against the vectors of twitter-text's conformance suite: the texts and lengths of
//! `WeightedTweetsWithDiscountedEmojiCounterTest`, `WeightedTweetsCounterTest` (as far as configuration
//! v3 counts as v2 does) and `UnicodeDirectionalMarkerCounterTest` in `conformance/validate.yml` of
//! <https://github.com/twitter/twitter-text> at commit 30e2430, Copyright 2018 Twitter, Inc.,
//! Apache-2.0. Long texts are written as what they repeat.

use networks::LengthRule;

const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
const POEM: &str = "故人西辞黄鹤楼，烟花三月下扬州。孤帆远影碧空尽，唯见长江天际流。朱雀桥边野草花，乌衣巷口夕阳斜。\
                    旧时王谢堂前燕，飞入寻常百姓家。朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。\
                    泪湿罗巾梦不成，夜深前殿按歌声。红颜未老恩先断，斜倚薰笼坐到明。独在异乡为异客，每逢佳节倍思亲。\
                    遥知兄弟登高处，遍插茱萸少一人。";
const PUNCTUATION: &str = "This is a tweet with general punctuation characters: \
                           \u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\
                           \u{200a}\u{200b}\u{200c}\u{200d} \u{2010} \u{2011} \u{2012} \u{2013} \u{2014} \
                           \u{2015} \u{2016}  \u{2017} \u{2018} \u{2019} \u{201a} \u{201b} \u{201c} \u{201d} \
                           \u{201e} \u{201f} \u{2032} \u{2033} \u{2034} \u{2035} \u{2036} \u{2037}";

#[test]
fn counts_as_twitter_text_does() {
    let kana = "あいうえおかきくけこ";
    let xs = "xxxxxxxxxx-";
    let cases: Vec<(String, usize)> = vec![
        ("Hi http://test.co".into(), 26),
        ("http://test.co".into(), 23),
        (format!("285 chars-{}", xs.repeat(25)), 285),
        (format!("285 chars- http://www.twitter.com/jack {}", xs.repeat(24)), 299),
        (format!("{} http://www.twitter.com/jack ", xs.repeat(24)), 289),
        ("https://www.twitter.com/aloha ".repeat(10), 240),
        (POEM.into(), 320),
        ("😷".repeat(160), 320),
        (format!("the{POEM}"), 323),
        ("A\u{301}B".into(), 2),
        ("A\u{5e9}\u{5bc}\u{5c1}".into(), 4),
        (format!("282 chars-{}xxxxxA\u{301}x", xs.repeat(24)), 281),
        (format!("H🐱☺{FAMILY}"), 7),
        ("😷👾😡🔥💩".into(), 10),
        ("🙋🏽👨\u{200d}🎤".into(), 4),
        ("1\u{20e3}".into(), 2),
        (PUNCTUATION.into(), 112),
        (format!("{}.com", "randomurl".repeat(7) + "s"), 68),
        (format!("{} http://{}あいう.com", kana.repeat(12), kana.repeat(5)), 358),
        (format!("{} http://{}あい.com", kana.repeat(12), kana.repeat(5)), 264),
        (FAMILY.repeat(140), 280),
        (
            "Unicode 10.0 emoji: 🤪; 🧕; 🧕🏾; 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}".into(),
            34,
        ),
        ("Unicode 9.0 emoji: 🤠; 💃; 💃🏾".into(), 29),
        ("ABC\u{202a}\u{ffff}ABC\u{fffe}".into(), 12),
        ("\u{2066}\u{202a}http://foobar.پاکستان/\u{202c}\u{2069}".into(), 31),
        ("example.com".into(), 23),
        ("foo.co.jp".into(), 23),
        ("example.com/path/to/resource?search=foo&lang=en".into(), 23),
    ];
    let rule = LengthRule::Weighted280;
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, length)| (text, rule.count(text), length))
        .filter(|(_, counted, length)| counted != *length)
        .collect();
    assert!(wrong.is_empty(), "text, counted, expected: {wrong:#?}");
    for (text, length) in &cases {
        assert_eq!(rule.fits(text), *length <= 280, "{text}");
    }
}
