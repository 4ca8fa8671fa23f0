//! Packages told by the entries they hold, where no entry declares a type.

use super::directory::Directory;

/// Media types that a `mimetype` entry may declare; anything else is no type
/// we hand out on a file's own word.
pub(super) const DECLARABLE: &[&str] = &[
    "application/epub+zip",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.text-template",
    "application/vnd.oasis.opendocument.text-web",
    "application/vnd.oasis.opendocument.text-master",
    "application/vnd.oasis.opendocument.text-master-template",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.spreadsheet-template",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.presentation-template",
    "application/vnd.oasis.opendocument.graphics",
    "application/vnd.oasis.opendocument.graphics-template",
    "application/vnd.oasis.opendocument.chart",
    "application/vnd.oasis.opendocument.chart-template",
    "application/vnd.oasis.opendocument.image",
    "application/vnd.oasis.opendocument.image-template",
    "application/vnd.oasis.opendocument.formula",
    "application/vnd.oasis.opendocument.formula-template",
    "application/vnd.oasis.opendocument.base",
    "application/vnd.sun.xml.writer",
    "application/vnd.sun.xml.writer.template",
    "application/vnd.sun.xml.writer.global",
    "application/vnd.sun.xml.calc",
    "application/vnd.sun.xml.calc.template",
    "application/vnd.sun.xml.draw",
    "application/vnd.sun.xml.draw.template",
    "application/vnd.sun.xml.impress",
    "application/vnd.sun.xml.impress.template",
    "application/vnd.sun.xml.math",
    "application/vnd.sun.xml.base",
    "application/vnd.adobe.indesign-idml-package",
    "application/vnd.recordare.musicxml",
    "application/vnd.etsi.asic-e+zip",
    "application/vnd.etsi.asic-s+zip",
    "application/vnd.apple.pages",
    "application/vnd.apple.numbers",
    "application/vnd.apple.keynote",
    "application/vnd.hancom.hwpx",
    "application/hwp+zip",
    "application/vnd.kde.kwallet",
    "application/x-krita",
    "application/x-karbon",
    "application/x-kword",
    "application/x-kspread",
    "application/x-kpresenter",
    "application/x-vnd.kde.contactgroup",
    "application/x-ibooks+zip",
    "application/vnd.mindjet.mindmanager",
    "application/vnd.comicbook+zip",
    "application/zip+dotlottie",
    "image/openraster",
];

/// What a package without a declared type is, by what lies in it.
pub(super) fn judge(directory: &Directory) -> Option<&'static str> {
    mobile_or_java(directory)
        .or_else(|| documents(directory))
        .or_else(|| maps_and_models(directory))
}

/// Packages that run.
pub(super) fn mobile_or_java(directory: &Directory) -> Option<&'static str> {
    let android = directory.has("AndroidManifest.xml");
    if android
        && (directory.has("classes.dex")
            || directory.has("resources.arsc")
            || directory.any(|name| name.starts_with("META-INF/")))
    {
        return Some("application/vnd.android.package-archive");
    }
    if directory.has("BundleConfig.pb")
        && directory.any(|name| name.ends_with("/AndroidManifest.xml"))
    {
        return Some("application/vnd.android.package-archive");
    }
    if directory.has("META-INF/mozilla.rsa")
        || directory.has("install.rdf") && directory.any(|name| name.starts_with("chrome"))
    {
        return Some("application/x-xpinstall");
    }
    if directory.any(|name| name.starts_with("Payload/") && name.contains(".app/")) {
        return Some("application/x-ios-app");
    }
    let classes = directory.any(|name| ends_with(name, ".class"));
    if directory.has("classes.dex") && !directory.has("META-INF/MANIFEST.MF") {
        return Some("application/vnd.android.package-archive");
    }
    let java = directory.has("META-INF/MANIFEST.MF")
        || directory.has("WEB-INF/web.xml")
        || directory.has("META-INF/application.xml")
            && directory.any(|name| ends_with(name, ".war") || ends_with(name, ".jar"));
    (classes || java).then_some("application/java-archive")
}

fn documents(directory: &Directory) -> Option<&'static str> {
    if directory.has("index.apxl")
        || directory.has("index.apxl.gz")
        || directory.any(|name| name.starts_with("Index/Slide") && ends_with(name, ".iwa"))
    {
        return Some("application/vnd.apple.keynote");
    }
    if directory.has("Index/Document.iwa") || directory.has("Index.zip") {
        let numbers = directory.any(|name| name.starts_with("Index/Tables/DataList"))
            && !directory.any(|name| name.starts_with("Index/Section"))
            && !directory.has("Index/ThemeStylesheet.iwa");
        return Some(if numbers {
            "application/vnd.apple.numbers"
        } else {
            "application/vnd.apple.pages"
        });
    }
    if directory.has("designmap.xml") && directory.any(|name| name.starts_with("Spreads/")) {
        return Some("application/vnd.adobe.indesign-idml-package");
    }
    if directory.has("description.xml") && directory.has("META-INF/manifest.xml") {
        return Some("application/vnd.openofficeorg.extension");
    }
    if directory.has("OFD.xml") && directory.any(|name| name.starts_with("Doc_")) {
        return Some("application/ofd");
    }
    if directory.has("Contents/content.hpf") {
        return Some("application/vnd.hancom.hwpx");
    }
    if directory.has("Documents/1/FixedDocument.fdoc")
        && directory.any(|name| ends_with(name, ".fpage"))
        || directory.any(|name| ends_with(name, ".fdseq"))
    {
        return Some("application/vnd.ms-xpsdocument");
    }
    if directory.any(|name| {
        name.starts_with("META-INF/") && name.contains("signatures") && ends_with(name, ".xml")
    }) && !directory.has("content.xml")
    {
        return Some("application/vnd.etsi.asic-e+zip");
    }
    None
}

fn maps_and_models(directory: &Directory) -> Option<&'static str> {
    // KML may lie in any archive; in a map it comes first, or is called so (OGC 12-007, 4.9).
    if directory.has("doc.kml")
        || directory
            .entries
            .first()
            .is_some_and(|entry| ends_with(&entry.name, ".kml") && !entry.name.contains('/'))
    {
        return Some("application/vnd.google-earth.kmz");
    }
    if directory.has("3D/3dmodel.model") {
        return Some("model/3mf");
    }
    if directory.has("project.json")
        && directory.any(|name| {
            ends_with(name, ".svg") || ends_with(name, ".wav") || ends_with(name, ".png")
        })
    {
        return Some("application/x.scratch.sb3");
    }
    if directory.has("document.json")
        && directory.has("meta.json")
        && directory.any(|name| name.starts_with("pages/"))
    {
        return Some("application/x-sketch");
    }
    if directory.has("manifest.json")
        && directory.any(|name| {
            (name.starts_with("animations/") || name.starts_with("a/")) && ends_with(name, ".json")
        })
    {
        return Some("application/zip+dotlottie");
    }
    let first = directory.entries.first()?;
    let usd = [".usdc", ".usda", ".usd"]
        .iter()
        .any(|ending| ends_with(&first.name, ending));
    if usd && first.is_stored() {
        return Some("model/vnd.usdz+zip");
    }
    None
}

/// Whether a name ends so, whatever its case.
pub(super) fn ends_with(name: &str, ending: &str) -> bool {
    name.len() >= ending.len()
        && name.as_bytes()[name.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
}
