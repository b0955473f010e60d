//! What each route needs of its caller: one table, which a test holds against what every route answers to whom.

use crate::auth::Permission;

/// What a route needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: no token is looked at.
    Nothing,
    /// A token of a trusted issuer, whoever it is about.
    Token,
    /// A role with this permission at the publisher that the path names, or among the staff.
    AtPublisher(Permission),
    /// A role with this permission among the staff.
    InMarketplace(Permission),
    /// A role with this permission among the staff, or the secret of a fresh installation.
    InMarketplaceOrSetup(Permission),
}

/// What a route needs, by its operation id in the OpenAPI document; none for one that is not there.
pub fn need(operation: &str) -> Option<Need> {
    use Need::{AtPublisher, InMarketplace, InMarketplaceOrSetup, Nothing, Token};
    Some(match operation {
        "get_token_v1" | "get_token_v2" => Nothing,
        "get_discovery_v1" | "get_discovery_v2" | "get_keys_v1" | "get_keys_v2" | "get_instance" => Nothing,
        "get_health" | "get_readiness" | "get_openapi" | "get_artifact" | "send_lead" => Nothing,
        // Its callers sign what they send.
        "report_check" => Nothing,
        "list_catalog_offers" | "get_catalog_offer" => Nothing,

        "list_publishers" | "list_offer_types" => Token,

        "list_offers" | "get_offer" | "get_offer_version" | "get_offer_slot" => AtPublisher(Permission::Read),
        "get_offer_status" | "explain_offer" | "list_submissions" | "list_audiences" => AtPublisher(Permission::Read),
        "get_offer_history" | "get_publisher_history" => AtPublisher(Permission::Read),
        "follow_offer" | "follow_publisher" => AtPublisher(Permission::Read),
        "get_publisher_audit" => AtPublisher(Permission::ReadAudit),
        "get_marketplace_audit" => InMarketplace(Permission::ReadAudit),
        "get_operation" | "get_operation_by_composite_id" => AtPublisher(Permission::Read),
        "put_offer" => AtPublisher(Permission::SaveDraft),
        "publish_offer" => AtPublisher(Permission::Publish),
        "go_live_offer" | "roll_back_offer" | "synchronise_audiences" => AtPublisher(Permission::GoLive),
        "cancel_offer" => AtPublisher(Permission::Cancel),

        "get_mails" | "put_mails" | "delete_mails" => AtPublisher(Permission::Read),
        "get_staff_mails" | "put_staff_mails" | "delete_staff_mails" => InMarketplace(Permission::Read),

        "list_leads" => AtPublisher(Permission::ReadLeads),
        "list_members" => AtPublisher(Permission::ReadMembers),
        "add_member" | "set_member_roles" | "remove_member" => AtPublisher(Permission::ManageMembers),
        "list_member_secrets" | "add_member_secret" | "remove_member_secret" | "invite_member" => {
            AtPublisher(Permission::ManageMembers)
        }

        "list_subscriptions"
        | "create_subscription"
        | "get_subscription"
        | "change_subscription"
        | "remove_subscription"
        | "rotate_subscription"
        | "enable_subscription"
        | "test_subscription"
        | "list_deliveries"
        | "repeat_delivery" => AtPublisher(Permission::ManageNotifications),
        "list_marketplace_subscriptions"
        | "create_marketplace_subscription"
        | "get_marketplace_subscription"
        | "change_marketplace_subscription"
        | "remove_marketplace_subscription"
        | "rotate_marketplace_subscription"
        | "enable_marketplace_subscription"
        | "test_marketplace_subscription"
        | "list_marketplace_deliveries"
        | "repeat_marketplace_delivery" => InMarketplace(Permission::ManageNotifications),

        "create_publisher" => InMarketplace(Permission::CreatePublisher),
        "list_reviews" | "get_review" | "give_verdict" => InMarketplace(Permission::Review),
        "claim_review" | "release_review" | "add_review_note" => InMarketplace(Permission::Review),
        "list_staff" => InMarketplace(Permission::ReadStaff),
        "add_staff" => InMarketplaceOrSetup(Permission::ManageStaff),
        "set_staff_roles" | "remove_staff" => InMarketplace(Permission::ManageStaff),
        "list_staff_secrets" | "add_staff_secret" | "remove_staff_secret" | "invite_staff" => {
            InMarketplace(Permission::ManageStaff)
        }
        _ => return None,
    })
}
