//! Which types run when they are opened.

/// Types that can run by themselves or in the program that shows them.
const ACTIVE: &[&str] = &[
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/javascript",
    "text/jsx",
    "application/typescript",
    "text/x-php",
    "text/x-jsp",
    "text/asp",
    "text/x-coldfusion",
    "text/x-shellscript",
    "text/x-msdos-batch",
    "application/x-powershell",
    "text/x-vbscript",
    "text/x-python",
    "text/x-perl",
    "text/x-ruby",
    "text/x-lua",
    "text/x-tcl",
    "text/x-awk",
    "text/x-applescript",
    "text/x-autohotkey",
    "text/x-groovy",
    "application/hta",
    "application/xslt+xml",
    "application/vnd.mozilla.xul+xml",
    "application/xaml+xml",
    "multipart/related",
    "application/vnd.microsoft.portable-executable",
    "application/x-elf",
    "application/x-mach-binary",
    "application/x-coff",
    "application/x-xcoff",
    "application/x-pef-executable",
    "application/x-playstation-executable",
    "application/x-xbox-executable",
    "application/wasm",
    "application/x-llvm",
    "application/vnd.android.dex",
    "application/java-vm",
    "application/java-archive",
    "application/x-java-jnlp-file",
    "application/x-java-pack200",
    "application/x-java-jmod",
    "application/x-java-serialized-object",
    "application/vnd.android.package-archive",
    "application/x-ios-app",
    "application/x-chrome-extension",
    "application/x-xpinstall",
    "application/x-bytecode.python",
    "application/x-python-pickle",
    "application/x-lua-bytecode",
    "application/x-beam",
    "application/x-msi",
    "application/x-ms-shortcut",
    "application/x-mswinurl",
    "application/x-desktop",
    "text/x-ms-regedit",
    "application/vnd.ms-htmlhelp",
    "application/winhlp",
    "application/vnd.adobe.flash.movie",
    "application/x-director",
    "application/vnd.debian.binary-package",
    "application/x-rpm",
    "application/vnd.symbian.install",
];

/// Whether documents of this type run.
pub(crate) fn is_active(media_type: &str) -> bool {
    ACTIVE.contains(&media_type) || media_type.contains("macroenabled")
}

/// Whether this is a page or a picture that a browser would run scripts of.
pub(crate) fn is_browser_active(media_type: &str) -> bool {
    matches!(
        media_type,
        "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "multipart/related"
            | "application/vnd.mozilla.xul+xml"
            | "application/hta"
    )
}
