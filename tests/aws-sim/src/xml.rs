//! A small XML tree: the representation in which the CloudFront operations read, check, complete and write documents.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};

/// One XML element: its local name, its own text and its children, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Local name, without a prefix.
    pub name: String,
    /// The namespace of an `xmlns` attribute on this element itself.
    pub namespace: Option<String>,
    /// Text directly inside, trimmed when there are children.
    pub text: String,
    /// Child elements.
    pub children: Vec<Element>,
}

impl Element {
    /// An element with text only.
    pub fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            text: text.into(),
            ..Self::default()
        }
    }

    /// An element with children only.
    pub fn node(name: &str, children: Vec<Element>) -> Self {
        Self {
            name: name.to_owned(),
            children,
            ..Self::default()
        }
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Mutable access to the first child of this name.
    pub fn child_mut(&mut self, name: &str) -> Option<&mut Element> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// The element at a path such as `Aliases/Items`.
    pub fn at(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |element, name| element.child(name))
    }

    /// The text at a path.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str())
    }

    /// The text at a path unless it is missing or empty.
    pub fn given(&self, path: &str) -> Option<&str> {
        self.text_at(path).filter(|text| !text.is_empty())
    }

    /// Whether the text at a path is `true`.
    pub fn is_true(&self, path: &str) -> bool {
        self.text_at(path) == Some("true")
    }

    /// The integer at a path.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.text_at(path).and_then(|text| text.parse().ok())
    }

    /// The `Items` of the list structure at a path (`Aliases`, `Origins`, …).
    pub fn items(&self, path: &str) -> impl Iterator<Item = &Element> {
        self.at(path)
            .and_then(|list| list.child("Items"))
            .into_iter()
            .flat_map(|items| items.children.iter())
    }

    /// The texts of the items of the list structure at a path.
    pub fn item_texts(&self, path: &str) -> Vec<String> {
        self.items(path).map(|item| item.text.clone()).collect()
    }

    /// Replaces the child of the same name, or adds it.
    pub fn set(&mut self, child: Element) {
        match self.child_mut(&child.name) {
            Some(existing) => *existing = child,
            None => self.children.push(child),
        }
    }

    /// Writes the tree, with a declaration and a namespace on the root.
    pub fn document(&self, namespace: &str) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = write!(out, "<{} xmlns=\"{namespace}\">", self.name);
        self.write_inside(&mut out);
        let _ = write!(out, "</{}>", self.name);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}>", self.name);
        self.write_inside(out);
        let _ = write!(out, "</{}>", self.name);
    }

    fn write_inside(&self, out: &mut String) {
        out.push_str(&escape(self.text.as_str()));
        for child in &self.children {
            child.write(out);
        }
    }
}

/// A list structure: `<Name><Quantity>n</Quantity><Items>…</Items></Name>`, without `Items` when it is empty, as
/// CloudFront writes it.
pub fn list(name: &str, item: &str, texts: &[impl AsRef<str>]) -> Element {
    list_of(
        name,
        texts.iter().map(|text| Element::leaf(item, text.as_ref())).collect(),
    )
}

/// A list structure of whole elements.
pub fn list_of(name: &str, items: Vec<Element>) -> Element {
    let mut children = vec![Element::leaf("Quantity", items.len().to_string())];
    if !items.is_empty() {
        children.push(Element::node("Items", items));
    }
    Element::node(name, children)
}

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed.
    #[error("not well-formed: {0}")]
    Syntax(String),
    /// No root element, or more than one.
    #[error("expected exactly one root element")]
    Root,
}

/// Reads a document into a tree.
pub fn parse(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| XmlError::Syntax(error.to_string()))?;
        match event {
            Event::Start(start) => open.push(opened(&start)?),
            Event::Empty(start) => close(opened(&start)?, &mut open, &mut root)?,
            Event::End(_) => {
                let done = open.pop().ok_or(XmlError::Root)?;
                close(done, &mut open, &mut root)?;
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(data) => append(&mut open, &data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(character)) => character.to_string(),
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())
                        .ok_or_else(|| XmlError::Syntax("unknown entity".to_owned()))?
                        .to_owned(),
                    Err(error) => return Err(XmlError::Syntax(error.to_string())),
                };
                append(&mut open, &resolved)?;
            }
            Event::Eof => break,
            Event::DocType(_) => return Err(XmlError::Syntax("a document type is not allowed".to_owned())),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if open.is_empty() {
        root.ok_or(XmlError::Root)
    } else {
        Err(XmlError::Root)
    }
}

fn opened(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut element = Element::leaf(start.local_name().as_ref(), "");
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| XmlError::Syntax(error.to_string()))?;
        if attribute.key.0 == "xmlns" {
            element.namespace = Some(attribute.value.into_owned());
        }
    }
    Ok(element)
}

fn append(open: &mut [Element], text: &str) -> Result<(), XmlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(XmlError::Root),
    }
    Ok(())
}

fn close(mut done: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), XmlError> {
    if !done.children.is_empty() {
        done.text = done.text.trim().to_owned();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None if root.is_some() => return Err(XmlError::Root),
        None => *root = Some(done),
    }
    Ok(())
}
