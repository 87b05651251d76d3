//! The rights of a role. The names are those in the vendor's published document (schema `rights`), including the lower-case k in `apikeyRights`.

use serde_json::{Map, Value};

/// All rights, one group per line: the area, the group, and the rights in the group.
const GROUPS: &str = "
platformRights administratorRights canCreateNewAdministrators canDeleteAdministrators canEditAdministratorProperties canViewAdministrators
platformRights administratorRoleRights canCreateNewAdministratorRoles canDeleteAdministratorRoles canEditAdministratorRoleProperties canViewAdministratorRoles
platformRights agentVersionControlRights canEditAgentVersionControls
platformRights alertConfigurationRights canEditAlertConfigurations
platformRights alertRights canDismissGlobalAlerts
platformRights certificateRights canCreateNewCertificates canDeleteCertificates
platformRights computerRights canAddAndRemoveComputerGroups canCreateNewComputers canDeleteComputers canDismissAlerts canEditComputerProperties canImportComputers canManageCloudAccounts canManageDirectories canManageVCenters canTagComputers canViewNotRelatedToComputers canViewOtherComputers
platformRights contactRights canCreateNewContacts canDeleteContacts canEditContactProperties canViewContacts
platformRights dataCenterGatewayRights canCreateNewDataCenterGateways canViewDataCenterGateways canEditDataCenterGateways canDeleteDataCenterGateways
platformRights diagnosticRights canCreateDiagnosticPackages
platformRights assetValueRights canCreateNewAssetValues canDeleteAssetValues canEditAssetValueProperties
platformRights licenseRights canChangeLicense canViewLicense
platformRights multiTenantRights canCreateTenants canDeleteTenants canEditTenantGeneralProperties canEditTenantModules canEditTenantAccountDetails canEditTenantFeatures canEditTenantSettings canCreateAndEditTenantDatabaseServers canDeleteTenantDatabaseServers canManageTenantAPIKeys canSignInAsTenant canViewTenants
platformRights policyRights canCreateNewPolicies canDeletePolicies canEditPolicyProperties canImportPolicies canViewOtherPolicies
platformRights portListRights canCreateNewPortLists canDeletePortLists canEditPortListProperties
platformRights proxyRights canCreateNewProxies canDeleteProxies canEditProxyProperties
platformRights relayGroupRights canCreateNewRelayGroups canDeleteRelayGroups canEditRelayGroupProperties
platformRights scanCacheRights canManageScanCache
platformRights scheduledTaskRights canCreateNewScheduledTasks canDeleteScheduledTasks canEditScheduledTaskProperties canExecuteScheduledTasks canViewScheduledTasks
platformRights scheduleRights canCreateNewSchedules canDeleteSchedules canEditScheduleProperties
platformRights settingRights canEditSettings canViewSettings
platformRights expertSettingRights canEditExpertSettings canViewExpertSettings
platformRights syslogConfigurationRights canCreateNewSyslogConfigurations canDeleteSyslogConfigurations canEditSyslogConfigurationProperties
platformRights systemInformationRights canManageExtensions canManageNodes canViewSystemInformation
platformRights taggingRights canDeleteAutoTagRules canUpdateAutoTagRules canRunAutoTagRules canDeleteTags canTag
platformRights updateRights canImportSoftware canDeleteSoftware canEditSoftwareProperties canImportRuleUpdates canDeleteRuleUpdates canViewRuleUpdates
platformRights apikeyRights canCreateNewApiKeys canDeleteApiKeys canEditApiKeyProperties canViewApiKeys
platformRights iplistRights canCreateNewIPLists canDeleteIPLists canEditIPListProperties
platformRights samlidentityProviderRights canCreateNewSAMLIdentityProviders canDeleteSAMLIdentityProviders canEditSAMLIdentityProviders canViewSAMLIdentityProviders
antiMalwareRights antiMalwareConfigurationRights canCreateNewAntiMalwareConfigurations canDeleteAntiMalwareConfigurations canEditAntiMalwareConfigurations
antiMalwareRights directoryListRights canCreateNewDirectoryLists canDeleteDirectoryLists canEditDirectoryListProperties
antiMalwareRights fileListRights canCreateNewFileLists canDeleteFileLists canEditFileListProperties
antiMalwareRights fileExtensionListRights canCreateNewFileExtensionLists canDeleteFileExtensionLists canEditFileExtensionListProperties
antiMalwareRights identifiedFileRights canDeleteIdentifiedFiles canDownloadIdentifiedFiles canRestoreIdentifiedFiles canSubmitIdentifiedFiles
webReputationRights webReputationConfigurationRights canEditWebReputationConfiguration
sensingModeRights sensingModeConfigurationRights canEditSensingModeConfiguration
firewallRights contextRights canCreateNewContexts canDeleteContexts canEditContextProperties
firewallRights firewallRuleRights canCreateNewFirewallRules canDeleteFirewallRules canEditFirewallRuleProperties
firewallRights statefulConfigurationRights canCreateNewStatefulConfigurations canDeleteStatefulConfigurations canEditStatefulConfigurationProperties
firewallRights macListRights canCreateNewMACLists canDeleteMACLists canEditMACListProperties
intrusionPreventionRights applicationTypeRights canCreateNewApplicationTypes canDeleteApplicationTypes canEditApplicationTypeProperties
intrusionPreventionRights intrusionPreventionRuleRights canCreateNewIntrusionPreventionRules canDeleteIntrusionPreventionRules canEditIntrusionPreventionRuleProperties
integrityMonitoringRights integrityMonitoringRuleRights canCreateNewIntegrityMonitoringRules canDeleteIntegrityMonitoringRules canEditIntegrityMonitoringRuleProperties
logInspectionRights logInspectionDecoderRights canCreateNewLogInspectionDecoders canDeleteLogInspectionDecoders canEditLogInspectionDecoderProperties
logInspectionRights logInspectionRuleRights canCreateNewLogInspectionRules canDeleteLogInspectionRules canEditLogInspectionRuleProperties
applicationControlRights driftRights canAllowOrBlockDrift canViewDrift
applicationControlRights rulesetRights canCreateNewRulesets canDeleteRulesets canEditRulesetProperties canViewRulesets
applicationControlRights ruleRights canCreateNewAppControlRules canDeleteAppControlRules canEditAppControlRulesProperties canViewAppControlRules
applicationControlRights softwareInventoryRights canCreateNewSoftwareInventory canDeleteSoftwareInventory canViewSoftwareInventory
applicationControlRights trustEntityManagementRights canCreateAppControlTrustEntities canViewAppControlTrustEntities canEditAppControlTrustEntities canDeleteAppControlTrustEntities
hostedServiceRights accountRights canDeleteAccounts canUpdateAccounts canViewAccountBilling
hostedServiceRights fixRights canViewFixes
hostedServiceRights heapRights canViewHeap
hostedServiceRights licenseRateRights canSaveLicenseRates canViewLicenseRates
hostedServiceRights queryRights canViewQuery
hostedServiceRights featureFlagsRights canViewFeatureFlags
hostedServiceRights queryTracebackRights canViewQueryTracebacks
hostedServiceRights serverLogRights canViewServerLogs
hostedServiceRights stackTraceRights canViewStackTraces
hostedServiceRights networkSecurityRights canCreateDeviceAuthorizationTokens
";

/// The groups in which the role Auditor has no rights. It was observed that the Auditor has no rights on API keys, roles and administrators
/// (`docs/manager-api.md`, "Roles"). For tenants, this is an assumption: a read-only user of one tenant should not see other tenants.
const HIDDEN_FROM_AUDITOR: [&str; 4] = [
    "apikeyRights",
    "administratorRoleRights",
    "administratorRights",
    "multiTenantRights",
];

/// Returns a tree in which every right is granted.
pub(crate) fn all() -> Value {
    tree(|_, _, _| true)
}

/// Returns a tree in which no right is granted.
pub(crate) fn none() -> Value {
    tree(|_, _, _| false)
}

/// Returns the rights of the role Auditor, which can view everything except API keys, roles, administrators and tenants.
pub(crate) fn auditor() -> Value {
    tree(|area, group, right| {
        right.starts_with("canView")
            && area != "hostedServiceRights"
            && !HIDDEN_FROM_AUDITOR.contains(&group)
    })
}

/// Returns true if `outer` includes every right of `inner`.
pub(crate) fn within(inner: &Value, outer: &Value) -> bool {
    match (inner, outer) {
        (Value::Object(inner), outer) => inner
            .iter()
            .all(|(name, value)| within(value, outer.get(name).unwrap_or(&Value::Null))),
        (Value::Bool(true), outer) => outer == &Value::Bool(true),
        _ => true,
    }
}

/// For each right that `given` contains, stores its value in `base`. The other rights in `base` do not change.
///
/// # Errors
/// Returns the name of the first field that is neither a group of rights nor a boolean. A quoted boolean is an error.
pub(crate) fn overlay(base: &mut Value, given: &Value) -> Result<(), String> {
    let Value::Object(given) = given else {
        return Err("rights".to_owned());
    };
    for (name, value) in given {
        match base.get_mut(name) {
            // An unknown right is ignored, because it may exist only in a different version of the manager.
            None => {}
            Some(Value::Bool(right)) => *right = value.as_bool().ok_or_else(|| name.clone())?,
            Some(group) => overlay(group, value).map_err(|inner| {
                if inner == "rights" {
                    name.clone()
                } else {
                    inner
                }
            })?,
        }
    }
    Ok(())
}

fn tree(granted: impl Fn(&str, &str, &str) -> bool) -> Value {
    let mut areas = Map::new();
    for line in GROUPS.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let (Some(area), Some(group)) = (words.next(), words.next()) else {
            continue;
        };
        let rights: Map<String, Value> = words
            .map(|right| (right.to_owned(), Value::Bool(granted(area, group, right))))
            .collect();
        let area = areas
            .entry(area)
            .or_insert_with(|| Value::Object(Map::new()));
        area[group] = Value::Object(rights);
    }
    Value::Object(areas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_access_includes_the_rights_of_the_auditor_but_not_vice_versa() {
        assert!(within(&auditor(), &all()));
        assert!(!within(&all(), &auditor()));
        assert!(within(&none(), &auditor()));
    }

    #[test]
    fn rights_are_set_and_quoted_booleans_are_rejected() {
        let mut rights = none();
        let given = serde_json::json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}, "newRights": {"x": true}}});
        assert_eq!(overlay(&mut rights, &given), Ok(()));
        assert_eq!(
            rights["platformRights"]["apikeyRights"]["canViewApiKeys"],
            true
        );
        assert_eq!(
            rights["platformRights"]["apikeyRights"]["canDeleteApiKeys"],
            false
        );
        let quoted =
            serde_json::json!({"platformRights": {"apikeyRights": {"canViewApiKeys": "true"}}});
        assert_eq!(
            overlay(&mut rights, &quoted),
            Err("canViewApiKeys".to_owned())
        );
    }
}
