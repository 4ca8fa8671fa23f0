//! XML vocabularies by namespace, root element or document type.

use super::xml_element::Element;
use crate::xml_tags::attribute;

/// A namespace (or a part of one) that settles the type by itself.
const NAMESPACES: &[(&str, &str)] = &[
    ("http://www.w3.org/2000/svg", "image/svg+xml"),
    ("http://www.w3.org/1999/xhtml", "application/xhtml+xml"),
    ("http://www.w3.org/2005/Atom", "application/atom+xml"),
    ("http://purl.org/atom/ns#", "application/atom+xml"),
    (
        "http://www.w3.org/1999/XSL/Transform",
        "application/xslt+xml",
    ),
    (
        "http://www.w3.org/1998/Math/MathML",
        "application/mathml+xml",
    ),
    (
        "http://www.opengis.net/kml",
        "application/vnd.google-earth.kml+xml",
    ),
    (
        "http://earth.google.com/kml",
        "application/vnd.google-earth.kml+xml",
    ),
    ("http://www.topografix.com/GPX", "application/gpx+xml"),
    (
        "http://www.gribuser.ru/xml/fictionbook",
        "application/x-fictionbook+xml",
    ),
    ("http://www.collada.org/", "model/vnd.collada+xml"),
    (
        "http://schemas.microsoft.com/office/word/2003/wordml",
        "application/vnd.ms-wordml",
    ),
    (
        "urn:schemas-microsoft-com:office:spreadsheet",
        "application/vnd.ms-spreadsheetml",
    ),
    (
        "http://schemas.microsoft.com/office/2006/xmlPackage",
        "application/vnd.ms-word2006ml",
    ),
    (
        "http://schemas.microsoft.com/visio/2003/core",
        "application/vnd.visio",
    ),
    (
        "http://schemas.microsoft.com/project",
        "application/vnd.ms-project",
    ),
    (
        "http://www.daisy.org/z3986/2005/ncx/",
        "application/x-dtbncx+xml",
    ),
    (
        "http://www.daisy.org/z3986/2005/dtbook/",
        "application/x-dtbook+xml",
    ),
    (
        "http://www.idpf.org/2007/opf",
        "application/oebps-package+xml",
    ),
    ("urn:mpeg:dash:schema:mpd", "application/dash+xml"),
    ("http://www.w3.org/ns/ttml", "application/ttml+xml"),
    ("http://ns.adobe.com/xfdf/", "application/vnd.adobe.xfdf"),
    ("http://ns.adobe.com/xdp/", "application/vnd.adobe.xdp+xml"),
    ("http://www.w3.org/2001/vxml", "application/voicexml+xml"),
    ("http://www.w3.org/2001/06/grammar", "application/srgs+xml"),
    (
        "http://www.w3.org/2001/10/synthesis",
        "application/ssml+xml",
    ),
    ("http://xspf.org/ns/", "application/xspf+xml"),
    (
        "http://www.garmin.com/xmlschemas/TrainingCenterDatabase",
        "application/vnd.garmin.tcx+xml",
    ),
    ("http://www.xml-cml.org/", "chemical/x-cml"),
    ("http://www.sbml.org/sbml/", "application/sbml+xml"),
    (
        "http://www.mozilla.org/keymaster/gatekeeper/there.is.only.xul",
        "application/vnd.mozilla.xul+xml",
    ),
    ("http://www.loc.gov/MARC21/slim", "application/marcxml+xml"),
    ("http://www.loc.gov/mods/", "application/mods+xml"),
    ("http://www.loc.gov/METS/", "application/mets+xml"),
    ("http://www.tei-c.org/ns/1.0", "application/tei+xml"),
    ("urn:oasis:names:tc:xliff:document", "application/xliff+xml"),
    ("http://www.metalinker.org/", "application/metalink+xml"),
    (
        "urn:ietf:params:xml:ns:metalink",
        "application/metalink4+xml",
    ),
    ("http://purl.org/rss/1.0/", "application/rss+xml"),
    ("http://docbook.org/ns/docbook", "application/docbook+xml"),
    ("http://schemas.xmlsoap.org/wsdl/", "application/wsdl+xml"),
    ("http://www.w3.org/ns/wsdl", "application/wsdl+xml"),
    (
        "http://schemas.xmlsoap.org/soap/envelope/",
        "application/xml",
    ),
    (
        "http://www.w3.org/2003/05/soap-envelope",
        "application/soap+xml",
    ),
    (
        "http://schemas.microsoft.com/winfx/2006/xaml",
        "application/xaml+xml",
    ),
    ("http://www.w3.org/2001/SMIL20/", "application/smil+xml"),
];

/// A root element that settles the type without a namespace.
const ROOTS: &[(&str, &str)] = &[
    ("svg", "image/svg+xml"),
    ("rss", "application/rss+xml"),
    ("channel", "application/rss+xml"),
    ("RDF", "application/rdf+xml"),
    ("xmpmeta", "application/rdf+xml"),
    ("kml", "application/vnd.google-earth.kml+xml"),
    ("gpx", "application/gpx+xml"),
    ("plist", "application/x-plist"),
    ("FictionBook", "application/x-fictionbook+xml"),
    ("score-partwise", "application/vnd.recordare.musicxml+xml"),
    ("score-timewise", "application/vnd.recordare.musicxml+xml"),
    ("COLLADA", "model/vnd.collada+xml"),
    ("X3D", "model/x3d+xml"),
    ("math", "application/mathml+xml"),
    ("stylesheet", "application/xslt+xml"),
    ("transform", "application/xslt+xml"),
    ("smil", "application/smil+xml"),
    ("OFX", "application/x-ofx"),
    ("jnlp", "application/x-java-jnlp-file"),
    ("opml", "text/x-opml+xml"),
    ("OPML", "text/x-opml+xml"),
    ("mxfile", "application/vnd.jgraph.mxfile"),
    ("ASX", "audio/x-ms-asx"),
    ("asx", "audio/x-ms-asx"),
    ("MPD", "application/dash+xml"),
    ("wml", "text/vnd.wap.wml"),
    ("vxml", "application/voicexml+xml"),
    ("xliff", "application/xliff+xml"),
    ("tmx", "application/x-tmx"),
    ("ncx", "application/x-dtbncx+xml"),
    ("amf", "application/x-amf"),
    ("osm", "application/vnd.openstreetmap.data+xml"),
    ("TS", "text/vnd.qt.linguist"),
    ("dtbook", "application/x-dtbook+xml"),
    ("xspf", "application/xspf+xml"),
    ("playlist", "application/xspf+xml"),
    ("gnm:Workbook", "application/x-gnumeric"),
    ("abiword", "application/x-abiword"),
    ("TrainingCenterDatabase", "application/vnd.garmin.tcx+xml"),
];

const FLAT: &str = "application/vnd.oasis.opendocument.";

/// What a root element says about its document.
pub(super) fn judge(element: &Element<'_>, root: &str) -> Option<&'static str> {
    let attributes = element.attributes;
    if element.local == "document" && element.qualified.starts_with("office:") {
        let flat = [
            ("text", "application/vnd.oasis.opendocument.text-flat-xml"),
            (
                "spreadsheet",
                "application/vnd.oasis.opendocument.spreadsheet-flat-xml",
            ),
            (
                "presentation",
                "application/vnd.oasis.opendocument.presentation-flat-xml",
            ),
            (
                "graphics",
                "application/vnd.oasis.opendocument.graphics-flat-xml",
            ),
        ];
        return flat
            .iter()
            .find(|(kind, _)| attributes.contains(&format!("{FLAT}{kind}")))
            .map(|(_, media_type)| *media_type);
    }
    if element.local == "RDF" {
        return Some(rdf(attributes, root));
    }
    if element.local == "schema" {
        return None;
    }
    if let Some(namespace) = own_namespace(element)
        && let Some((_, media_type)) = NAMESPACES
            .iter()
            .find(|(known, _)| namespace.starts_with(known))
    {
        return Some(*media_type);
    }
    if element.qualified == "gmr:Workbook" || attributes.contains("http://www.gnumeric.org/") {
        return Some("application/x-gnumeric");
    }
    if element.local == "document" && attributes.contains("http://www.w3.org/2005/Atom") {
        return Some("application/atom+xml");
    }
    ROOTS
        .iter()
        .find(|(name, _)| *name == element.local)
        .map(|(_, media_type)| *media_type)
}

/// RSS 1.0 is RDF with a namespace of its own; so is XMP-less package data.
fn rdf(attributes: &str, root: &str) -> &'static str {
    if attributes.contains("http://purl.org/rss/1.0/")
        || attributes.contains("my.netscape.com/rdf/simple")
    {
        return "application/rss+xml";
    }
    if attributes.contains("http://www.mozilla.org/2004/em-rdf")
        && root.contains("install-manifest")
    {
        return "application/rdf+xml";
    }
    "application/rdf+xml"
}

/// The namespace the element itself is in.
fn own_namespace<'a>(element: &Element<'a>) -> Option<&'a str> {
    let declaration = match element.qualified.split_once(':') {
        Some((prefix, _)) => format!("xmlns:{prefix}"),
        None => "xmlns".to_owned(),
    };
    attribute(element.attributes, &declaration)
}

/// Types that a document type settles, by its lower-case name and identifiers.
pub(super) fn by_doctype(doctype: &str) -> Option<&'static str> {
    let name = doctype.split_whitespace().next()?;
    let types = [
        ("svg", "image/svg+xml"),
        ("plist", "application/x-plist"),
        ("wml", "text/vnd.wap.wml"),
        ("score-partwise", "application/vnd.recordare.musicxml+xml"),
        ("score-timewise", "application/vnd.recordare.musicxml+xml"),
        ("smil", "application/smil+xml"),
        ("x3d", "model/x3d+xml"),
        ("gmr:workbook", "application/x-gnumeric"),
        ("ncx", "application/x-dtbncx+xml"),
    ];
    if doctype.contains("-//oasis//dtd docbook") {
        return Some("application/docbook+xml");
    }
    if doctype.contains("dtd dita") {
        return Some("application/dita+xml");
    }
    types
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, media_type)| *media_type)
}
