//! XML at the size of this crate: small documents from strangers, and a writer that escapes.
//!
//! The parser is roxmltree: no_std, without recursion, and it refuses document types, so that there are no entities but
//! the five of XML itself. Its work on attributes and namespaces grows with the square of their number, hence the bound.

use alloc::string::String;

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Code, Result};

const NODES_MAX: u32 = 1_024;
const ATTRIBUTES_MAX: usize = 256;
const DEPTH_MAX: usize = 16;

/// Parses a document of at most `max_len` bytes, and has `read` make something of its root.
///
/// # Errors
/// [`Code::MalformedXml`].
pub(crate) fn parse<T>(xml: &[u8], max_len: usize, read: impl FnOnce(Element<'_, '_>) -> Result<T>) -> Result<T> {
    // Every attribute has an equals sign.
    if xml.len() > max_len || xml.iter().filter(|byte| **byte == b'=').count() > ATTRIBUTES_MAX {
        return Err(Code::MalformedXml.into());
    }
    let text = core::str::from_utf8(xml).map_err(|_| Code::MalformedXml)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::parse_with_options(text, options).map_err(|_| Code::MalformedXml)?;
    if document.descendants().any(|node| node.ancestors().nth(DEPTH_MAX + 1).is_some()) {
        return Err(Code::MalformedXml.into());
    }
    read(Element(document.root_element()))
}

/// An element. Names are compared without their namespaces: some clients declare one, some do not.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a, 'input>(Node<'a, 'input>);

impl<'a, 'input> Element<'a, 'input> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.tag_name().name() == name
    }

    /// The child of that name, wherever it stands among others. Two of them are an error.
    pub(crate) fn child(&self, name: &str) -> Result<Option<Element<'a, 'input>>> {
        let mut found = self.0.children().map(Element).filter(|child| child.0.is_element() && child.is(name));
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(Code::MalformedXml.into()),
        }
    }

    /// The same for one that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<Element<'a, 'input>> {
        self.child(name)?.ok_or_else(|| Code::MalformedXml.into())
    }

    /// The text, without white space around it. Elements inside are an error.
    pub(crate) fn text(&self) -> Result<String> {
        if self.0.children().any(|child| child.is_element()) {
            return Err(Code::MalformedXml.into());
        }
        let text: String = self.0.children().filter(Node::is_text).filter_map(|node| node.text()).collect();
        Ok(text.trim_ascii().into())
    }

    /// The text of a child; `None` where there is no such child, or an empty one.
    pub(crate) fn text_of(&self, name: &str) -> Result<Option<String>> {
        let text = self.child(name)?.map(|child| child.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }
}

/// Writes elements. Names are literals of this crate; text is any.
pub(crate) struct Writer(String);

impl Writer {
    /// A document, with its declaration.
    pub(crate) fn document() -> Writer {
        Writer("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into())
    }

    /// A piece of another document.
    pub(crate) fn fragment() -> Writer {
        Writer(String::new())
    }

    pub(crate) fn open(&mut self, start: &str) -> &mut Writer {
        self.tag("<", start)
    }

    pub(crate) fn close(&mut self, name: &str) -> &mut Writer {
        self.tag("</", name)
    }

    fn tag(&mut self, begin: &str, rest: &str) -> &mut Writer {
        self.0 += begin;
        self.0 += rest;
        self.0 += ">";
        self
    }

    pub(crate) fn leaf(&mut self, name: &str, text: &str) -> &mut Writer {
        self.open(name);
        for c in text.chars() {
            match c {
                '&' => self.0 += "&amp;",
                '<' => self.0 += "&lt;",
                '>' => self.0 += "&gt;",
                '"' => self.0 += "&quot;",
                '\'' => self.0 += "&apos;",
                // As they stand, a parser would normalise them.
                '\t' => self.0 += "&#9;",
                '\n' => self.0 += "&#10;",
                '\r' => self.0 += "&#13;",
                // XML has no way to say these.
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self.close(name)
    }

    pub(crate) fn leaf_if_any(&mut self, name: &str, text: &str) -> &mut Writer {
        if text.is_empty() { self } else { self.leaf(name, text) }
    }

    pub(crate) fn finish(&mut self) -> String {
        core::mem::take(&mut self.0)
    }
}
