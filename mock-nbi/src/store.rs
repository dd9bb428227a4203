//! A world on disk: what changed is written before anything is answered that shows it.
//!
//! Changes of many requests are written together by one thread; a request waits for the commit that
//! has its own and all earlier ones. When a commit fails, its changes are kept and tried again with
//! the next request; until they are written, every answer is an error.

mod disk;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use disk::{Disk, Unsaved};

pub use disk::DataError;

/// Parts of a world that changed, each with its JSON, or none where it is gone.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Whether these parts are the whole world.
    pub(crate) is_all: bool,
    pub(crate) parts: Vec<(String, Option<Vec<u8>>)>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_all && self.parts.is_empty()
    }
}

type Outcome = Result<(), Arc<str>>;

#[derive(Debug, Default)]
struct Queue {
    changes: Vec<Changes>,
    waiting: Vec<oneshot::Sender<Outcome>>,
    /// Whether something is being written, or could not be.
    is_behind: bool,
    is_closing: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A data folder in use. Dropping it writes what is left.
#[derive(Debug)]
pub(crate) struct Store {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens a data folder and hands over each part in it, by key; says whether there were any.
    pub(crate) fn open(
        folder: &Path,
        each: impl FnMut(&str, &[u8]) -> Result<(), crate::snapshot::SnapshotError>,
    ) -> Result<(Self, bool), DataError> {
        let disk = Disk::open(folder)?;
        let has_parts = disk.read(each)?;
        Ok((Self::writing_to(disk)?, has_parts))
    }

    fn writing_to(mut disk: Disk) -> Result<Self, DataError> {
        let shared = Arc::new(Shared::default());
        let path = disk.path().to_owned();
        let writer = std::thread::Builder::new()
            .name("mock-nbi-data".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || write_all(&shared, |unsaved| disk.write(unsaved).map_err(|e| e.to_string()))
            })
            .map_err(|error| DataError::Unusable { path, source: Box::new(error.into()) })?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Has changes written, in the order of the calls; none to wait for where everything before is
    /// on disk already.
    pub(crate) fn save(&self, changes: Changes) -> Option<Saving> {
        let mut queue = self.shared.lock();
        if changes.is_empty() && !queue.is_behind {
            return None;
        }
        if !changes.is_empty() {
            queue.changes.push(changes);
        }
        queue.is_behind = true;
        let (sender, receiver) = oneshot::channel();
        queue.waiting.push(sender);
        self.shared.wake.notify_one();
        Some(Saving(receiver))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.wake.notify_one();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been printed; there is nobody left to write.
            let _ = writer.join();
        }
    }
}

/// A commit to come.
#[derive(Debug)]
pub(crate) struct Saving(oneshot::Receiver<Outcome>);

impl Saving {
    /// Waits until it is on disk.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub(crate) async fn done(self) -> Result<(), Arc<str>> {
        self.0.await.unwrap_or_else(|_| Err("the writer of the data folder has ended".into()))
    }
}

/// Writes what comes until the store is dropped.
fn write_all(shared: &Shared, mut write: impl FnMut(&Unsaved) -> Result<(), String>) {
    let mut unsaved = Unsaved::default();
    loop {
        let mut queue = shared.lock();
        while queue.waiting.is_empty() && queue.changes.is_empty() && !queue.is_closing {
            queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let is_last = queue.is_closing;
        let waiting = std::mem::take(&mut queue.waiting);
        std::mem::take(&mut queue.changes).into_iter().for_each(|changes| unsaved.add(changes));
        drop(queue);
        let outcome: Outcome = if unsaved.is_empty() {
            Ok(())
        } else {
            write(&unsaved).map_err(|error| {
                tracing::error!(%error, "cannot write the data folder; nothing is answered until it can");
                error.into()
            })
        };
        let is_written = outcome.is_ok();
        if is_written {
            unsaved.clear();
        }
        let mut queue = shared.lock();
        queue.is_behind = !is_written || !queue.changes.is_empty() || !queue.waiting.is_empty();
        drop(queue);
        for sender in waiting {
            // Whoever asked may have gone away.
            let _ = sender.send(outcome.clone());
        }
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn change(key: &str) -> Changes {
        Changes { is_all: false, parts: vec![(key.to_owned(), Some(b"1".to_vec()))] }
    }

    #[tokio::test]
    async fn after_a_failed_commit_nothing_is_confirmed_until_all_of_it_is_written() {
        let shared = Arc::new(Shared::default());
        let is_full = Arc::new(AtomicBool::new(true));
        let writer = std::thread::spawn({
            let (shared, is_full) = (Arc::clone(&shared), Arc::clone(&is_full));
            move || {
                write_all(&shared, |_| {
                    if is_full.load(Ordering::SeqCst) { Err("full".to_owned()) } else { Ok(()) }
                });
            }
        });
        let store = Store { shared, writer: Some(writer) };
        assert_eq!(store.save(change("a")).unwrap().done().await, Err("full".into()));
        // A request that changes nothing may still show what is not written.
        assert_eq!(store.save(Changes::default()).unwrap().done().await, Err("full".into()));
        is_full.store(false, Ordering::SeqCst);
        assert_eq!(store.save(Changes::default()).unwrap().done().await, Ok(()));
        assert!(store.save(Changes::default()).is_none());
    }

    #[tokio::test]
    async fn parts_are_read_back_and_a_folder_is_used_by_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |found: &mut Vec<String>| {
            Store::open(folder.path(), |key, _| {
                found.push(key.to_owned());
                Ok(())
            })
        };
        let (store, has_parts) = open(&mut Vec::new()).unwrap();
        assert!(!has_parts);
        let all = Changes { is_all: true, ..change("a") };
        store.save(all).unwrap().done().await.unwrap();
        store.save(change("b")).unwrap().done().await.unwrap();
        assert!(matches!(open(&mut Vec::new()), Err(DataError::InUse { .. })));
        drop(store);
        let mut found = Vec::new();
        assert!(open(&mut found).unwrap().1);
        assert_eq!(found, ["a", "b"]);
    }

    #[test]
    fn a_foreign_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mock-nbi.redb");
        for content in [&b"not a database"[..], &[0; 10_000]] {
            fs_err::write(&path, content).unwrap();
            let error = Store::open(folder.path(), |_, _| Ok(())).unwrap_err();
            assert!(matches!(error, DataError::Foreign { .. }), "{error:?}");
            assert_eq!(fs_err::read(&path).unwrap(), content);
        }
    }
}
