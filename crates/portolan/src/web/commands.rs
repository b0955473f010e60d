//! Which command does what a call of the API does: one table, which a test holds against the API and against the tree of commands.

/// The command that does what an operation does, by its operation id. The first `None`: there is no such operation here; the second: no
/// command does it.
pub fn command(operation: &str) -> Option<Option<&'static str>> {
    Some(Some(match operation {
        "get_token_v1" | "get_token_v2" => "portolan login --client-id 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50",
        "get_discovery_v1" | "get_discovery_v2" | "get_keys_v1" | "get_keys_v2" | "get_health" | "get_readiness" => {
            return Some(None);
        }
        "get_openapi" | "get_artifact" | "send_lead" | "report_check" | "list_catalog_offers" => return Some(None),
        "get_catalog_offer" | "list_offer_types" | "list_leads" => return Some(None),
        "get_instance" => "portolan version",

        "list_publishers" => "portolan publisher list",
        "create_publisher" => "portolan publisher create contoso --name \"Contoso, Ltd.\"",

        "list_offers" => "portolan offer list",
        "get_offer" => "portolan offer show web-gateway",
        "get_offer_version" => "portolan offer show web-gateway --version 1",
        "get_offer_slot" => "portolan offer show web-gateway --slot preview",
        "put_offer" => "portolan offer put web-gateway -f offer.json",
        "get_offer_status" | "explain_offer" => "portolan status web-gateway",
        "list_submissions" => "portolan submission list web-gateway",
        "get_operation" | "get_operation_by_composite_id" => "portolan submission show web-gateway",
        "get_offer_history" => "portolan offer history web-gateway",
        "get_publisher_history" => "portolan journal list",
        "follow_offer" => "portolan events tail web-gateway",
        "follow_publisher" => "portolan events tail",
        "publish_offer" => "portolan publish web-gateway",
        "go_live_offer" => "portolan go-live web-gateway",
        "cancel_offer" => "portolan cancel web-gateway",
        "roll_back_offer" => "portolan offer roll-back web-gateway",
        "list_audiences" => "portolan offer audiences web-gateway",
        "synchronise_audiences" => "portolan offer synchronise-audiences web-gateway",

        "get_publisher_audit" => "portolan audit list",
        "get_marketplace_audit" => "portolan audit list --marketplace",

        "get_mails" => "portolan notify mails show",
        "put_mails" => "portolan notify mails on --event live,failed",
        "delete_mails" => "portolan notify mails off",
        "get_staff_mails" => "portolan notify mails show --marketplace",
        "put_staff_mails" => "portolan notify mails on --event live,failed --marketplace",
        "delete_staff_mails" => "portolan notify mails off --marketplace",

        "list_members" => "portolan access list",
        "add_member" => "portolan access add --role contributor --service-principal build",
        "set_member_roles" => "portolan access role jane@contoso.example reader",
        "remove_member" => "portolan access remove jane@contoso.example",
        "invite_member" => "portolan access invite jane@contoso.example",
        "list_member_secrets" => "portolan access secret list build",
        "add_member_secret" => "portolan access secret add build --days 90",
        "remove_member_secret" => "portolan access secret remove build 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50",
        "list_staff" => "portolan staff list",
        "add_staff" => "portolan staff add --role reviewer --user \"Jane Doe\" --mail jane@portolan.example",
        "set_staff_roles" => "portolan staff role jane@portolan.example operator reviewer",
        "remove_staff" => "portolan staff remove jane@portolan.example",
        "invite_staff" => "portolan staff invite jane@portolan.example",
        "list_staff_secrets" => "portolan staff secret list admin",
        "add_staff_secret" => "portolan staff secret add admin --days 90",
        "remove_staff_secret" => "portolan staff secret remove admin 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50",

        "change_subscription" | "change_marketplace_subscription" => return Some(None),
        "list_subscriptions" | "get_subscription" => "portolan notify list",
        "create_subscription" => "portolan notify add https://hooks.contoso.example/portolan --event live,failed",
        "remove_subscription" => "portolan notify remove https://hooks.contoso.example/portolan",
        "rotate_subscription" => "portolan notify rotate https://hooks.contoso.example/portolan",
        "enable_subscription" => "portolan notify enable https://hooks.contoso.example/portolan",
        "test_subscription" => "portolan notify test https://hooks.contoso.example/portolan",
        "list_deliveries" => "portolan notify deliveries https://hooks.contoso.example/portolan",
        "repeat_delivery" => {
            "portolan notify redeliver https://hooks.contoso.example/portolan 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50"
        }
        "list_marketplace_subscriptions" | "get_marketplace_subscription" => "portolan notify list --marketplace",
        "create_marketplace_subscription" => "portolan notify add https://hooks.portolan.example/all --marketplace",
        "remove_marketplace_subscription" => "portolan notify remove https://hooks.portolan.example/all --marketplace",
        "rotate_marketplace_subscription" => "portolan notify rotate https://hooks.portolan.example/all --marketplace",
        "enable_marketplace_subscription" => "portolan notify enable https://hooks.portolan.example/all --marketplace",
        "test_marketplace_subscription" => "portolan notify test https://hooks.portolan.example/all --marketplace",
        "list_marketplace_deliveries" => "portolan notify deliveries https://hooks.portolan.example/all --marketplace",
        "repeat_marketplace_delivery" => {
            "portolan notify redeliver https://hooks.portolan.example/all 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 --marketplace"
        }

        "list_reviews" => "portolan review list",
        "get_review" => "portolan review show 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify",
        "claim_review" => "portolan review claim 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify",
        "release_review" => "portolan review release 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify",
        "add_review_note" => "portolan review note 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m \"Seen before.\"",
        "give_verdict" => "portolan review approve 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify",
        _ => return None,
    }))
}
