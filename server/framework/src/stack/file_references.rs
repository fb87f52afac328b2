//! References of hosted drivers on their own layer's file objects (OBJ-17), and the leaks at their unload (OBJ-23).
//!
//! A reference holds its layer's object and nothing else: the other layers' objects, and the creator's, go in the
//! order of CLS-3. So an entry of the files can outlive its file, in the state Gone, until the last layer has let go.

use crate::file::{FileState, LayerFile, LayerFileState};
use crate::ids::{DeviceId, FileId};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::trace::TraceKind;

use super::core::Core;

impl Core {
    fn layer_file(&self, device: DeviceId, file: FileId) -> Option<&LayerFile> {
        self.files.get(file)?.layers.iter().find(|layer| layer.device == device)
    }

    pub(crate) fn file_references(&self, device: DeviceId, file: FileId) -> u32 {
        self.layer_file(device, file).map_or(0, |layer| layer.references)
    }

    /// One reference more; false when the layer has no object of the file.
    pub(crate) fn refer_to_file(&mut self, device: DeviceId, file: FileId) -> bool {
        let Some(entry) = self.files.get_mut(file) else { return false };
        let Some(layer) = entry.layers.iter_mut().find(|layer| layer.device == device) else { return false };
        layer.references += 1;
        true
    }

    /// One reference less; an object that waited for it is destroyed.
    pub(crate) fn release_file(&mut self, device: DeviceId, file: FileId) -> u32 {
        let Some(entry) = self.files.get_mut(file) else { return 0 };
        let Some(layer) = entry.layers.iter_mut().find(|layer| layer.device == device) else { return 0 };
        layer.references = layer.references.saturating_sub(1);
        let (left, deleted) = (layer.references, layer.is_deleted());
        if left == 0 && deleted {
            self.destroy_layer_file(file, device);
        }
        left
    }

    /// The layer's object leaves the tree: after its `OnCloseFile`, or with its failed create. It is destroyed when no
    /// reference is left (OBJ-3).
    pub(crate) fn delete_layer_file(&mut self, file: FileId, position: usize, state: LayerFileState) {
        let layer = &mut self.files[file].layers[position];
        let (device, context) = (layer.device, layer.context.take());
        layer.state = state;
        let unreferenced = layer.references == 0;
        if let Some(context) = context {
            self.run_queue.push(Step::ContextCleanup(device, file, context));
        }
        if unreferenced {
            self.destroy_layer_file(file, device);
        }
    }

    fn destroy_layer_file(&mut self, file: FileId, device: DeviceId) {
        let entry = &mut self.files[file];
        let Some(position) = entry.layers.iter().position(|layer| layer.device == device) else { return };
        // A failed create leaves no trace of the session (FILE-12).
        if entry.layers.remove(position).state == LayerFileState::Closed {
            self.note(device, TraceKind::FileGone).file(Some(file)).record();
        }
        self.forget_file_if_unreferenced(file);
    }

    /// The file is gone, or its create has failed: of the layers' objects only those stay that are referred to.
    pub(crate) fn end_file(&mut self, file: FileId) {
        let Some(entry) = self.files.get_mut(file) else { return };
        entry.layers.retain(|layer| layer.references > 0);
        for layer in entry.layers.iter_mut().filter(|layer| !layer.is_deleted()) {
            layer.state = LayerFileState::Failed; // no walk has reached it: it was never to be told
        }
        self.forget_file_if_unreferenced(file);
    }

    /// What is left of a file that is gone goes with its last layer's object.
    fn forget_file_if_unreferenced(&mut self, file: FileId) {
        if self.files.get(file).is_some_and(|entry| entry.state == FileState::Gone && entry.layers.is_empty()) {
            self.files.remove(file);
        }
    }

    /// The driver of `device` is unloaded: what it still refers to are leaks (OBJ-23), and goes with it.
    pub(crate) fn unload_driver(&mut self, device: DeviceId) {
        let referenced = |layer: &LayerFile| layer.device == device && layer.references > 0;
        let leaked: Vec<FileId> =
            self.files.iter().filter(|(_, file)| file.layers.iter().any(referenced)).map(|(id, _)| id).collect();
        for file in leaked {
            self.finding(device, Rule::Obj23, Some(file), None);
            let entry = &mut self.files[file];
            entry.layers.retain(|layer| layer.device != device || !layer.is_deleted());
            if let Some(layer) = entry.layers.iter_mut().find(|layer| layer.device == device) {
                layer.references = 0; // its close is still to come
            }
            self.forget_file_if_unreferenced(file);
        }
        self.unload_memories(device);
    }
}
