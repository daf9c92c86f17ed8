//! Admission: workers, tasks and groups.

use super::{
    super::super::{ChildSpec, GroupId, GroupSpec, KeyId, Place, PoolId},
    PERIOD, World, spec,
};
use crate::{
    intent::Origin,
    lifecycle::{Intensity, Restart, SpawnError},
};

impl World {
    pub(in super::super) fn admit(&mut self, mut spec: ChildSpec, most: u32) -> Result<Origin, SpawnError> {
        let id = self.id();
        spec.options.intensity = Some(Intensity::new(most, PERIOD));
        let admitted = self.act(
            None,
            |machine, _| machine.admit(id, spec.clone()),
            |world| {
                world.meet(id, spec.clone(), most as usize, None, None);
            },
        );
        admitted.map(|()| id)
    }

    /// A task of the only pool: two at once, three more may wait.
    pub(in super::super) fn admit_task(&mut self, key: Option<u8>) -> Result<Origin, SpawnError> {
        let id = self.id();
        let replaces = key.and_then(|key| self.newest.get(&key).copied());
        let key_id = key.map(|key| KeyId(key.into()));
        let mut spec = spec("task", Restart::OnFailure);
        spec.place = Some(Place { pool: PoolId(0), limit: 2, backlog: 3, key: key_id });
        let admitted = self.act(
            None,
            |machine, _| machine.admit(id, spec.clone()),
            |world| {
                world.meet(id, spec.clone(), 3, None, key);
                if let Some(before) = replaces.and_then(|before| world.workers.get_mut(&before)) {
                    before.stop_pending = true;
                }
            },
        );
        if admitted.is_ok() {
            self.newest.extend(key.map(|key| (key, id)));
        }
        admitted.map(|()| id)
    }

    pub(in super::super) fn admit_group(
        &mut self,
        spec: GroupSpec,
        members: Vec<ChildSpec>,
    ) -> Result<GroupId, SpawnError> {
        let group = GroupId(self.next);
        let members: Vec<_> = members.into_iter().map(|spec| (self.id(), spec)).collect();
        self.act(
            None,
            |machine, _| machine.admit_group(group, spec, members.clone()),
            |world| {
                for (id, spec) in &members {
                    world.meet(*id, spec.clone(), usize::MAX, Some(group), None);
                }
                world.groups.insert(group, (spec, members.iter().map(|&(id, _)| id).collect()));
            },
        )?;
        Ok(group)
    }
}
