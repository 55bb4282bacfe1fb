//! Feeds in XML: RSS 2.0 and Atom with elements of Google's namespace.

use std::io::Read;

use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::fields::{Field, RawRow};
use super::metered::Metered;
use super::rows::RowProblem;
use super::{FeedError, io_error};

/// Google's namespaces: the attributes of the specification and a merchant's own.
const OWN_NAMESPACES: [&[u8]; 2] = [b"http://base.google.com/ns/1.0", b"http://base.google.com/cns/1.0"];
const ATOM: &[u8] = b"http://www.w3.org/2005/Atom";

pub(super) struct Xml<R> {
    reader: NsReader<Metered<R>>,
    buffer: Vec<u8>,
    /// How many elements are open.
    depth: usize,
    item: Option<Item>,
}

/// The item that is being read.
struct Item {
    row: RawRow,
    /// How many elements were open when it began.
    depth: usize,
    element: Option<Element>,
    text: String,
    detail: [String; 3],
}

/// A child of the item that fills a field.
#[derive(Clone, Copy)]
struct Element {
    field: Field,
    own: bool,
    /// Which part of a detail is open.
    part: Option<usize>,
}

/// What an event means, free of the reader's buffer.
enum Step {
    Go,
    Row(RawRow),
    End,
    NotAFeed(String),
    Encoding,
}

impl<R: Read> Xml<R> {
    pub(super) fn open(reader: Metered<R>) -> Result<Self, FeedError> {
        let mut reader = NsReader::from_reader(reader);
        let config = reader.config_mut();
        config.allow_dangling_amp = true; // `Salt & Pepper` is meant well
        config.expand_empty_elements = true;
        let mut xml = Self { reader, buffer: Vec::new(), depth: 0, item: None };
        while xml.depth == 0 {
            if let Step::End = xml.step()? {
                return Err(FeedError::Empty);
            }
        }
        Ok(xml)
    }

    pub(super) fn next(&mut self) -> Result<Option<RawRow>, FeedError> {
        loop {
            match self.step()? {
                Step::Row(row) => return Ok(Some(row)),
                Step::End => return Ok(None),
                _ => {}
            }
        }
    }

    fn line(&self) -> u64 {
        self.reader.get_ref().line()
    }

    fn step(&mut self) -> Result<Step, FeedError> {
        if self.item.is_none() {
            self.reader.get_mut().row_begins();
        }
        self.buffer.clear();
        let line = self.line();
        let (namespace, event) = match self.reader.read_resolved_event_into(&mut self.buffer) {
            Ok(resolved) => resolved,
            Err(error) => return Err(xml_error(self.line(), error)),
        };
        let step = match event {
            Event::Start(start) => {
                self.depth += 1;
                begin(&mut self.item, self.depth, line, &namespace, &start)
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                end(&mut self.item, self.depth)
            }
            Event::Text(text) => {
                add_text(&mut self.item, &text.xml10_content());
                Step::Go
            }
            Event::CData(text) => {
                add_text(&mut self.item, &text.xml10_content());
                Step::Go
            }
            Event::GeneralRef(reference) => {
                add_reference(&mut self.item, &reference);
                Step::Go
            }
            Event::Decl(declaration) => match declaration.encoding() {
                Some(Ok(name)) if !is_utf8(&name) => Step::Encoding,
                _ => Step::Go,
            },
            Event::Eof if self.depth > 0 => return Err(FeedError::CutOff { line }),
            Event::Eof => Step::End,
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => Step::Go,
        };
        match step {
            Step::NotAFeed(root) => Err(FeedError::NotAFeed { root }),
            Step::Encoding => Err(FeedError::Encoding),
            step => Ok(step),
        }
    }
}

fn begin(
    item: &mut Option<Item>,
    depth: usize,
    line: u64,
    namespace: &ResolveResult<'_>,
    start: &BytesStart<'_>,
) -> Step {
    let local = start.local_name();
    let name = local.as_ref();
    match item {
        None if depth == 1 && !matches!(name, "rss" | "feed" | "RDF") => {
            return Step::NotAFeed(name.to_owned());
        }
        None if depth > 1 && matches!(name, "item" | "entry") => {
            let row = RawRow::new(line);
            *item = Some(Item { row, depth, element: None, text: String::new(), detail: Default::default() });
        }
        None => {}
        Some(item) if depth == item.depth + 1 => {
            item.text.clear();
            item.element = element(namespace, name);
            if let (Some(Element { field: Field::Link, own, .. }), Some(address)) =
                (item.element, alternate(start))
            {
                item.row.set(Field::Link, &address, own); // Atom's link is an attribute
            }
        }
        Some(item) if depth == item.depth + 2 => {
            // Of what is nested only a detail's parts are read: a shipping price is not the price.
            if let Some(element) = item.element.as_mut() {
                element.part = (element.field == Field::ProductDetail).then(|| detail_part(name)).flatten();
            }
            item.text.clear();
        }
        Some(_) => {}
    }
    Step::Go
}

fn end(open: &mut Option<Item>, depth: usize) -> Step {
    let Some(item) = open.as_mut() else { return Step::Go };
    match (depth.checked_sub(item.depth), item.element) {
        (None, _) => {
            let row = open.take().map(|item| item.row);
            return row.map_or(Step::Go, Step::Row);
        }
        (Some(0), Some(Element { field: Field::ProductDetail, .. })) => {
            item.row.details.push(std::mem::take(&mut item.detail));
            item.element = None;
        }
        (Some(0), Some(element)) => {
            item.row.set(element.field, &item.text, element.own);
            item.element = None;
        }
        (Some(1), Some(Element { part: Some(part), .. })) => {
            if let Some(slot) = item.detail.get_mut(part) {
                item.text.trim().clone_into(slot);
            }
            item.text.clear();
        }
        (Some(1), Some(_)) => item.text.clear(),
        _ => {}
    }
    Step::Go
}

/// The field that an element fills, and whether its name is the specification's own.
fn element(namespace: &ResolveResult<'_>, name: &str) -> Option<Element> {
    let field = Field::parse(name)?;
    let own = match namespace {
        ResolveResult::Bound(bound) if OWN_NAMESPACES.contains(&bound.as_ref().as_bytes()) => true,
        ResolveResult::Bound(bound) if bound.as_ref().as_bytes() == ATOM => false,
        ResolveResult::Unbound => false,
        // Feeds often forget to declare `g`.
        ResolveResult::Unknown(prefix) if AsRef::<[u8]>::as_ref(prefix) == b"g" => true,
        _ if name.starts_with("hashcart_") => true,
        ResolveResult::Bound(_) | ResolveResult::Unknown(_) => return None,
    };
    Some(Element { field, own, part: None })
}

/// Atom's link to the page itself: `rel` absent or `alternate`.
fn alternate(start: &BytesStart<'_>) -> Option<String> {
    let attribute = |name| start.try_get_attribute(name).ok().flatten();
    if attribute("rel").is_some_and(|rel| rel.value.as_ref() != "alternate") {
        return None;
    }
    let href = attribute("href")?;
    href.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

fn detail_part(name: &str) -> Option<usize> {
    ["section_name", "attribute_name", "attribute_value"].iter().position(|part| *part == name)
}

fn add_text(item: &mut Option<Item>, text: &str) {
    if let Some(item) = item {
        item.text.push_str(text);
    }
}

fn add_reference(item: &mut Option<Item>, reference: &BytesRef<'_>) {
    let Some(item) = item else { return };
    let name = reference.xml10_content();
    match reference.resolve_char_ref() {
        Ok(Some(character)) => item.text.push(character),
        Ok(None) => match resolve_html5_entity(&name) {
            Some(text) => item.text.push_str(text),
            // `Fish & chips; peas` is no reference.
            None if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                item.text.push('&');
                item.text.push_str(&name);
                item.text.push(';');
            }
            None => item.fault_of_reference(),
        },
        Err(_) => item.fault_of_reference(),
    }
}

impl Item {
    fn fault_of_reference(&mut self) {
        if let Some(element) = self.element {
            self.row.fault(Some(element.field), RowProblem::UnknownEntity);
        }
    }
}

fn is_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn xml_error(line: u64, error: quick_xml::Error) -> FeedError {
    match error {
        quick_xml::Error::Io(source) => {
            io_error(line, std::sync::Arc::try_unwrap(source).unwrap_or_else(std::io::Error::other))
        }
        source => FeedError::Xml { line, source },
    }
}
