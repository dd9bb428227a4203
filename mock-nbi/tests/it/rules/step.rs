//! What may happen next. Numbers choose among what there is, so that steps stay meaningful when a
//! failing sequence is made shorter.

use proptest::prelude::*;

/// One request, or what else changes OSM.
#[derive(Clone, Debug)]
pub enum Step {
    CreateVim {
        name: u8,
    },
    DescribeVim {
        vim: u8,
    },
    RenameVim {
        vim: u8,
        name: u8,
    },
    DeleteVim {
        vim: u8,
        is_forced: bool,
    },
    CreateCluster {
        name: u8,
        vim: u8,
    },
    DeleteCluster {
        cluster: u8,
        is_forced: bool,
    },
    UploadVnfd {
        name: u8,
    },
    UploadNsd {
        name: u8,
    },
    /// Without content, which comes later or never.
    BeginVnfd,
    BeginNsd,
    PutVnfd {
        vnfd: u8,
        name: u8,
    },
    PutNsd {
        nsd: u8,
        name: u8,
    },
    SetVnfd {
        vnfd: u8,
        is_enabled: bool,
    },
    SetNsd {
        nsd: u8,
        is_enabled: bool,
    },
    DeleteVnfd {
        vnfd: u8,
    },
    DeleteNsd {
        nsd: u8,
    },
    /// In one step, or without an operation.
    CreateInstance {
        nsd: u8,
        vim: u8,
        is_one_step: bool,
    },
    Instantiate {
        instance: u8,
    },
    Act {
        instance: u8,
        action: Action,
    },
    Terminate {
        instance: u8,
        is_removed: bool,
    },
    DeleteInstance {
        instance: u8,
        way: Way,
    },
    /// Every pending operation ends.
    End {
        is_good: bool,
    },
    Advance {
        seconds: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Upgrade,
    UnknownPrimitive,
    UnknownMember,
    UnknownKdu,
    WithoutParameters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    Forced,
    /// `ns_instances_content`, which terminates first.
    OneStep,
}

/// What is there to go on with decides what is likely: most sequences come to instances soon.
pub fn any_step(has_cluster: bool, has_nsd: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        if has_cluster { 1 } else { 6 } => sites(),
        if has_nsd { 1 } else { 6 } => packages(),
        5 => instances(),
        2 => any::<bool>().prop_map(|is_good| Step::End { is_good }),
        1 => (1..40u8).prop_map(|seconds| Step::Advance { seconds }),
    ]
}

fn sites() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3u8).prop_map(|name| Step::CreateVim { name }),
        1 => (0..4u8).prop_map(|vim| Step::DescribeVim { vim }),
        1 => (0..4u8, 0..3u8).prop_map(|(vim, name)| Step::RenameVim { vim, name }),
        1 => (0..4u8, any::<bool>()).prop_map(|(vim, is_forced)| Step::DeleteVim { vim, is_forced }),
        3 => (0..3u8, 0..3u8).prop_map(|(name, vim)| Step::CreateCluster { name, vim }),
        1 => (0..4u8, any::<bool>())
            .prop_map(|(cluster, is_forced)| Step::DeleteCluster { cluster, is_forced }),
    ]
}

fn packages() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2u8).prop_map(|name| Step::UploadVnfd { name }),
        3 => (0..2u8).prop_map(|name| Step::UploadNsd { name }),
        1 => Just(Step::BeginVnfd),
        1 => Just(Step::BeginNsd),
        1 => (0..3u8, 0..2u8).prop_map(|(vnfd, name)| Step::PutVnfd { vnfd, name }),
        1 => (0..3u8, 0..2u8).prop_map(|(nsd, name)| Step::PutNsd { nsd, name }),
        1 => (0..3u8, any::<bool>()).prop_map(|(vnfd, is_enabled)| Step::SetVnfd { vnfd, is_enabled }),
        1 => (0..3u8, any::<bool>()).prop_map(|(nsd, is_enabled)| Step::SetNsd { nsd, is_enabled }),
        1 => (0..3u8).prop_map(|vnfd| Step::DeleteVnfd { vnfd }),
        1 => (0..3u8).prop_map(|nsd| Step::DeleteNsd { nsd }),
    ]
}

fn instances() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        5 => Just(Action::Upgrade),
        1 => Just(Action::UnknownPrimitive),
        1 => Just(Action::UnknownMember),
        1 => Just(Action::UnknownKdu),
        1 => Just(Action::WithoutParameters),
    ];
    let way = prop_oneof![Just(Way::Plain), Just(Way::Forced), Just(Way::OneStep)];
    prop_oneof![
        4 => (0..3u8, 0..3u8, any::<bool>())
            .prop_map(|(nsd, vim, is_one_step)| Step::CreateInstance { nsd, vim, is_one_step }),
        2 => (0..4u8).prop_map(|instance| Step::Instantiate { instance }),
        3 => (0..4u8, action).prop_map(|(instance, action)| Step::Act { instance, action }),
        2 => (0..4u8, any::<bool>())
            .prop_map(|(instance, is_removed)| Step::Terminate { instance, is_removed }),
        1 => (0..4u8, way).prop_map(|(instance, way)| Step::DeleteInstance { instance, way }),
    ]
}
