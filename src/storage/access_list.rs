//! The permissions on a file that are granted to others than its owner: by the mode, or by a POSIX access control list (ACL).
//!
//! If a file has an ACL, the group bits of its mode are the mask of the ACL and not the permissions of the group.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::io::Errno;

/// The extended attribute that contains the ACL.
const ATTRIBUTE: &str = "system.posix_acl_access";
/// The maximum size of an ACL in bytes. A larger ACL counts as unreadable.
const LIMIT: usize = 4096;

/// The permission to read. Its value is the same in a mode and in an ACL.
pub(super) const READ: u16 = 4;

/// The user or group that has a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    User(u32),
    Group(u32),
    Everyone,
}

/// The permissions of one user or group. At least one bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) holder: Holder,
    pub(super) permissions: u16,
}

/// Returns the permissions on an open file. Returns `None` if the ACL cannot be read.
pub(super) fn of_file(file: impl AsFd, mode: u32, group: u32) -> Option<Vec<Grant>> {
    let mut buffer = [0; LIMIT];
    let read = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut buffer[..]);
    grants(read, &buffer, mode, group)
}

/// Returns the permissions on the file or folder at this path. Returns `None` if the ACL cannot be read.
pub(super) fn of_path(path: &Path, mode: u32, group: u32) -> Option<Vec<Grant>> {
    let mut buffer = [0; LIMIT];
    let read = rustix::fs::getxattr(path, ATTRIBUTE, &mut buffer[..]);
    grants(read, &buffer, mode, group)
}

fn grants(
    read: rustix::io::Result<usize>,
    buffer: &[u8],
    mode: u32,
    group: u32,
) -> Option<Vec<Grant>> {
    match read {
        Ok(length) => parse(buffer.get(..length)?, group),
        // The file has no ACL, or the file system does not support ACLs.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Some(in_mode(mode, group)),
        Err(_) => None,
    }
}

fn in_mode(mode: u32, group: u32) -> Vec<Grant> {
    let bits = |shift: u32| (mode >> shift & 7) as u16;
    let grants = [(Holder::Group(group), bits(3)), (Holder::Everyone, bits(0))];
    non_empty(grants)
}

/// Parses an ACL: a version of four bytes, then entries of eight bytes (a tag, the permissions, and the ID of a user or group).
fn parse(list: &[u8], group: u32) -> Option<Vec<Grant>> {
    const OWNER: u16 = 0x01;
    const USER: u16 = 0x02;
    const OWNING_GROUP: u16 = 0x04;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    const EVERYONE: u16 = 0x20;
    let (version, entries) = list.split_first_chunk::<4>()?;
    let (entries, rest) = entries.as_chunks::<8>();
    if u32::from_le_bytes(*version) != 2 || !rest.is_empty() {
        return None;
    }
    let entries = entries.iter().map(|&[t0, t1, p0, p1, id @ ..]| {
        let tag = u16::from_le_bytes([t0, t1]);
        (tag, u16::from_le_bytes([p0, p1]), u32::from_le_bytes(id))
    });
    let mask = entries.clone().find(|(tag, ..)| *tag == MASK);
    let mask = mask.map_or(7, |(_, permissions, _)| permissions);
    let mut found = Vec::new();
    for (tag, permissions, id) in entries {
        found.push(match tag {
            OWNER | MASK => continue,
            USER => (Holder::User(id), permissions & mask),
            OWNING_GROUP => (Holder::Group(group), permissions & mask),
            GROUP => (Holder::Group(id), permissions & mask),
            EVERYONE => (Holder::Everyone, permissions),
            _ => return None,
        });
    }
    Some(non_empty(found))
}

fn non_empty(grants: impl IntoIterator<Item = (Holder, u16)>) -> Vec<Grant> {
    (grants.into_iter())
        .filter(|(_, permissions)| *permissions != 0)
        .map(|(holder, permissions)| Grant {
            holder,
            permissions,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut list = vec![2, 0, 0, 0];
        for (tag, permissions, id) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(permissions.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        list
    }

    const fn grant(holder: Holder, permissions: u16) -> Grant {
        Grant {
            holder,
            permissions,
        }
    }

    #[test]
    fn a_mode_grants_permissions_to_the_group_and_to_everyone() {
        assert_eq!(in_mode(0o600, 7), []);
        assert_eq!(in_mode(0o4440, 7)[0], grant(Holder::Group(7), 4));
        let both = [grant(Holder::Group(7), 6), grant(Holder::Everyone, 4)];
        assert_eq!(in_mode(0o664, 7), both);
    }

    #[test]
    fn the_mask_of_a_list_restricts_users_and_groups() {
        const NONE: u32 = u32::MAX;
        let credential = [
            (1, 4, NONE),
            (2, 4, 1000),
            (4, 0, NONE),
            (0x10, 4, NONE),
            (0x20, 0, NONE),
        ];
        let found = parse(&list(&credential), 0);
        assert_eq!(found, Some(vec![grant(Holder::User(1000), 4)]));
        let shared = [
            (1, 6, NONE),
            (2, 6, 1000),
            (2, 3, 1001),
            (4, 7, NONE),
            (8, 4, 50),
            (0x10, 4, NONE),
            (0x20, 1, NONE),
        ];
        let expected = vec![
            grant(Holder::User(1000), 4),
            grant(Holder::Group(7), 4),
            grant(Holder::Group(50), 4),
            grant(Holder::Everyone, 1),
        ];
        assert_eq!(parse(&list(&shared), 7), Some(expected));
    }

    #[test]
    fn a_damaged_list_is_unreadable() {
        let valid = list(&[(1, 4, 0), (4, 4, 0), (0x20, 0, 0)]);
        assert!(parse(&valid, 0).is_some());
        let (version, tag) = ([&[3], &valid[1..]].concat(), list(&[(0x40, 4, 0)]));
        for damaged in [&valid[..3], &valid[..valid.len() - 1], &version, &tag, &[]] {
            assert_eq!(parse(damaged, 0), None, "{damaged:?}");
        }
    }
}
