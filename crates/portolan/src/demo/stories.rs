//! What happened to each of the demo's offers.

/// The life of one offer so far.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// The offer's id, which says where it stands.
    pub offer: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The id of its type.
    pub offer_type: &'static str,
    /// Whether its certification takes days by itself.
    pub(super) slowly: bool,
    pub(super) sample: Sample,
    pub(super) events: &'static [Event],
}

/// A realistic definition, and the name in it that each story replaces by its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    text: &'static str,
    name: &'static str,
}

/// Something that a person does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Save,
    Publish,
    GoLive,
    Cancel,
    Approve,
    Reject { code: &'static str, target: &'static str, text: &'static str },
    Block { code: &'static str, target: &'static str, text: &'static str },
}

use Event::{Approve, Cancel, GoLive, Publish, Save};

macro_rules! sample {
    ($file:literal, $name:literal) => {
        Sample { text: include_str!(concat!("../../samples/", $file, ".json")), name: $name }
    };
}

const VIRTUAL_MACHINE: Sample = sample!("virtual-machine", "Contoso Relay Gateway");
const CORE_MACHINE: Sample = sample!("core-virtual-machine", "Contoso Anchor Linux");
const APPLICATION: Sample = sample!("azure-application", "Fabrikam Harbor Analytics");
const CONTAINER: Sample = sample!("container", "Contoso Queue Worker");
const IOT_EDGE: Sample = sample!("iot-edge", "Fabrikam Vibration Sentinel");
const SAAS: Sample = sample!("saas", "Fabrikam Shiftboard");

const fn story(
    offer: &'static str,
    name: &'static str,
    offer_type: &'static str,
    sample: Sample,
    events: &'static [Event],
) -> Story {
    Story { offer, name, offer_type, slowly: false, sample, events }
}

const MACHINE_TYPE: &str = "microsoft-azure-virtualmachines";

/// The demo's offers: one in every state, and what brought it there.
pub const STORIES: [Story; 11] = [
    story("vm-never-published", "Contoso Relay Gateway Lab", MACHINE_TYPE, VIRTUAL_MACHINE, &[Save]),
    story(
        "core-vm-not-started",
        "Contoso Anchor Linux",
        "microsoft-azure-corevm",
        CORE_MACHINE,
        &[Save, Publish, Cancel, Save],
    ),
    Story {
        slowly: true,
        ..story("vm-in-progress", "Contoso Relay Gateway", MACHINE_TYPE, VIRTUAL_MACHINE, &[Save, Publish])
    },
    story(
        "container-waiting-for-approval",
        "Contoso Queue Worker",
        "microsoft-azure-container",
        CONTAINER,
        &[Save, Publish],
    ),
    story(
        "vm-blocked",
        "Contoso Relay Gateway Edge",
        MACHINE_TYPE,
        VIRTUAL_MACHINE,
        &[
            Save,
            Publish,
            Event::Block {
                code: "IMG-404",
                target: "/definition/plans/0/microsoft-azure-virtualmachines.vmImages",
                text: "The image of the first plan cannot be read: its link has expired. Save a link that is valid for three weeks, and tell us.",
            },
        ],
    ),
    story(
        "vm-waiting-for-sign-off",
        "Contoso Relay Gateway Plus",
        MACHINE_TYPE,
        VIRTUAL_MACHINE,
        &[Save, Publish, Approve],
    ),
    story(
        "app-running-after-go-live",
        "Contoso Harbor Analytics",
        "microsoft-azure-applications",
        APPLICATION,
        &[Save, Publish, Approve, Approve, GoLive],
    ),
    story("saas-live", "Contoso Shiftboard", "microsoft-azure-saas", SAAS, &[Save, Publish, Approve, GoLive]),
    story(
        "vm-live-update-in-review",
        "Contoso Relay Gateway Classic",
        MACHINE_TYPE,
        VIRTUAL_MACHINE,
        &[Save, Publish, Approve, GoLive, Save, Publish],
    ),
    story(
        "iot-edge-canceled",
        "Contoso Vibration Sentinel",
        "microsoft-azure-iotedge",
        IOT_EDGE,
        &[Save, Publish, Cancel],
    ),
    story(
        "vm-failed",
        "Contoso Relay Gateway Lite",
        MACHINE_TYPE,
        VIRTUAL_MACHINE,
        &[
            Save,
            Publish,
            Event::Reject {
                code: "IMG-048",
                target: "/definition/offer/microsoft-azure-marketplace.smallLogo",
                text: "The small logo is 40 x 40 px. Upload one of 48 x 48 px and publish again.",
            },
        ],
    ),
];

impl Story {
    /// The definition that the offer's draft has.
    pub fn definition(&self) -> String {
        let text = self.sample.text.replace(self.sample.name, self.name);
        text.replace("Fabrikam", "Contoso").replace("fabrikam", "contoso")
    }
}
