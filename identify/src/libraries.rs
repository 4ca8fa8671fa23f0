//! Second opinions for what our own signatures don't know: `infer`, then
//! `tree_magic_mini` over a fixed order, so that every process answers alike.
//! Both only ever add; without the shared MIME database nothing known is lost.

use crate::finding::Finding;
use crate::names::aliases;

/// Types that we judge by more structure than `infer` does: where our check
/// said no, its weaker one must not say yes.
const OURS: &[&str] = &[
    "image/bmp",
    "image/vnd.microsoft.icon",
    "audio/mpeg",
    "audio/aac",
    "video/mpeg",
    "audio/vnd.wave",
    "image/tiff",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.microsoft.portable-executable",
    "application/x-tar",
    "application/java-vm",
    "application/vnd.ms-fontobject",
    "application/x-compress",
    "text/html",
    "text/x-shellscript",
    "application/xml",
    "application/x-lz4",
    "font/ttf",
    "application/zlib",
    "application/x-x509-cert",
];

/// What is asked of the shared MIME database, in this order.
const ASKED: &[&str] = &[
    "application/x-arj",
    "application/x-spss-sav",
    "application/x-sas-data",
    "application/vnd.lotus-1-2-3",
    "application/x-quattropro",
    "application/vnd.framemaker",
    "application/vnd.symbian.install",
    "application/x-dar",
    "application/x-zoo",
    "application/x-nintendo-ds-rom",
    "application/x-genesis-rom",
    "application/x-sega-pico-rom",
    "application/x-thomson-cartridge-memo7",
    "application/x-virtual-boy-rom",
    "application/x-wii-rom",
    "application/x-gamecube-rom",
    "application/x-saturn-rom",
    "application/x-dreamcast-rom",
    "application/x-n64-rom",
    "application/x-atari-7800-rom",
    "application/x-bps-patch",
    "application/x-ips-patch",
    "application/x-ccmx",
    "application/x-cisco-vpn-settings",
    "application/x-core",
    "application/x-dia-diagram",
    "application/x-gdbm",
    "application/x-fluid",
    "application/x-font-tex-tfm",
    "application/x-font-ttx",
    "application/x-hfe-floppy-image",
    "application/x-it87",
    "application/x-java-keystore",
    "application/x-kexiproject-sqlite3",
    "application/x-karbon",
    "application/x-magicpoint",
    "application/x-mif",
    "application/x-netshow-channel",
    "application/x-oleo",
    "application/x-pocket-word",
    "application/x-pkcs12",
    "application/x-riff",
    "application/x-sharedlib",
    "application/x-xar",
    "application/gnunet-directory",
    "application/prs.plucker",
    "application/vnd.emusic-emusic_package",
    "application/vnd.flatpak",
    "application/x-aportisdoc",
    "application/x-atari-lynx-rom",
    "application/x-bsdiff",
    "application/x-doom-wad",
    "application/x-fds-disk",
    "application/x-font-speedo",
    "application/x-mame-chd",
    "application/x-neo-geo-pocket-color-rom",
    "application/x-neo-geo-pocket-rom",
    "application/x-nintendo-3ds-executable",
    "application/x-nintendo-3ds-rom",
    "application/x-qpress",
    "application/x-thomson-sap-image",
    "application/x-wii-wad",
    "audio/x-minipsf",
    "audio/x-psf",
    "audio/x-psflib",
    "audio/x-iriver-pla",
    "audio/x-pn-audibleaudio",
    "audio/x-voc",
    "audio/x-xi",
    "image/x-dib",
    "image/x-gimp-gih",
    "image/x-niff",
    "image/x-quicktime",
    "image/x-skencil",
    "image/x-xcursor",
    "image/x-xfig",
    "image/dpx",
    "video/x-sgi-movie",
    "video/isivideo",
    "video/wavelet",
    "video/vnd.radgamettools.bink",
    "video/vnd.radgamettools.smacker",
    "video/vnd.mpegurl",
];

/// What the libraries say.
pub(crate) fn judge(head: &[u8]) -> Option<Finding> {
    by_infer(head).or_else(|| by_database(head))
}

fn by_infer(head: &[u8]) -> Option<Finding> {
    let found = infer::get(head)?.mime_type();
    let canonical = aliases::canonical_static(found).unwrap_or(found);
    (!OURS.contains(&canonical)).then(|| Finding::likely(canonical))
}

fn by_database(head: &[u8]) -> Option<Finding> {
    let start = &head[..head.len().min(8192)];
    let found = ASKED
        .iter()
        .find(|media_type| tree_magic_mini::match_u8(media_type, start))?;
    Some(Finding::guess(
        aliases::canonical_static(found).unwrap_or(found),
    ))
}

/// Whether the shared MIME database was found: without it the last of the second opinions is missing.
#[must_use]
pub fn has_mime_database() -> bool {
    tree_magic_mini::match_u8("image/png", b"\x89PNG\r\n\x1a\n")
}
