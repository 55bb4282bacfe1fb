//! A function's deployment package.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Cursor, Write as _},
    path::Path,
};

use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// What Lambda looks for in a package of an OS-only runtime.
const ENTRY_POINT: &str = "bootstrap";

/// Why a package couldn't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The binary can't be read.
    #[error("the function's binary can't be read")]
    Read(#[source] io::Error),
    /// The archive can't be written.
    #[error("the function's package can't be written")]
    Write(#[source] ZipError),
}

/// A zip archive with a function's binary as its only file.
///
/// The same binary gives the same bytes and the same name at any time and on any machine, so that a
/// function that hasn't changed isn't deployed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The hexadecimal SHA-256 of the binary, with `.zip` behind it.
    pub name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

impl Package {
    /// The name that the package of a binary has.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn name_of(binary: &Path) -> Result<String, PackageError> {
        let content = fs::read(binary).map_err(PackageError::Read)?;
        Ok(format!("{}.zip", sha256_hex(&content)))
    }

    /// Packs a binary that was built for the machine that will run it. The archive isn't compressed:
    /// it never leaves this machine.
    ///
    /// # Errors
    /// When the file can't be read or is too large for an archive.
    pub fn of(binary: &Path) -> Result<Self, PackageError> {
        let content = fs::read(binary).map_err(PackageError::Read)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o755);
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file(ENTRY_POINT, options).map_err(PackageError::Write)?;
        archive.write_all(&content).map_err(|error| PackageError::Write(error.into()))?;
        let bytes = archive.finish().map_err(PackageError::Write)?.into_inner();
        Ok(Self { name: format!("{}.zip", sha256_hex(&content)), bytes })
    }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_package_holds_the_binary_as_an_executable_bootstrap() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"\x7fELF and more").unwrap();
        let package = Package::of(file.path()).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(package.bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF and more");
    }

    #[test]
    fn only_the_content_makes_the_package() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two, other) =
            (directory.path().join("one"), directory.path().join("two"), directory.path().join("other"));
        fs::write(&one, "same").unwrap();
        fs::write(&other, "different").unwrap();
        fs::write(&two, "same").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().append(true).open(&two).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(Package::of(&one).unwrap(), Package::of(&two).unwrap());
        assert_ne!(Package::of(&one).unwrap().name, Package::of(&other).unwrap().name);
    }

    #[test]
    fn the_digest_is_the_one_of_the_standard() {
        // FIPS 180-2, appendix B.1
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
