// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditManager} from "../src/AuditManager.sol";
import {CaseDocket} from "../src/CaseDocket.sol";
import {ChallengeManager} from "../src/ChallengeManager.sol";
import {IAuditManager} from "../src/interfaces/IAuditManager.sol";
import {ICaseDocket} from "../src/interfaces/ICaseDocket.sol";
import {IChallengeManager} from "../src/interfaces/IChallengeManager.sol";
import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract CaseDocketChangeParametersTest is AuditBase {
    uint256 private constant MAX_WINDOW = 30 days;

    /// @dev `parameters` are right but for one, which is out of its range.
    function _assertRejected(
        bytes32 name,
        ICaseDocket.Parameters memory parameters,
        uint256 value,
        uint256 min,
        uint256 max
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(ICaseDocket.CaseDocket_ParameterOutOfRange.selector, name, value, min, max)
        );
        this.createDocket(_system(), parameters);
    }

    function createDocket(ICaseDocket.System memory system, ICaseDocket.Parameters memory parameters)
        external
        returns (CaseDocket)
    {
        return new CaseDocket(address(accessManager), system, parameters);
    }

    function test_TheGovernorChangesThem() public {
        ICaseDocket.Parameters memory next = _auditParameters();
        (next.bond, next.answerWindow) = (12 ether, 2 days);
        bytes memory data = abi.encodeCall(docket.changeParameters, (next));
        vm.prank(governor);
        accessManager.schedule(address(docket), data, 0);
        _skip(GOVERNOR_DELAY);
        vm.expectEmit(address(docket));
        emit ICaseDocket.AuditParametersChanged(2, _auditParameters(), next);
        vm.prank(governor);
        accessManager.execute(address(docket), data);
        (ICaseDocket.Parameters memory current, uint32 version) = docket.parameters();
        assertEq(abi.encode(current), abi.encode(next));
        assertEq(version, 2);
        assertEq(abi.encode(docket.parametersOf(1)), abi.encode(_auditParameters()));
    }

    function test_TheyAreToldAtDeployment() public {
        ICaseDocket.Parameters memory none;
        ICaseDocket.System memory system = _system();
        vm.expectEmit();
        emit ICaseDocket.CaseDocketConfigured(system);
        vm.expectEmit();
        emit ICaseDocket.AuditParametersChanged(1, none, _auditParameters());
        ICaseDocket caseDocket = new CaseDocket(address(accessManager), system, _auditParameters());
        assertEq(abi.encode(caseDocket.system()), abi.encode(system));
        assertEq(caseDocket.BOND_PARTS(), 6);
        vm.expectEmit();
        emit IAuditManager.AuditManagerConfigured(address(caseDocket), address(randomness));
        new AuditManager(caseDocket, randomness);
        vm.expectEmit();
        emit IChallengeManager.ChallengeManagerConfigured(address(caseDocket));
        new ChallengeManager(address(accessManager), caseDocket);
    }

    function createAudits(ICaseDocket docket_, IRandomness randomness_) external returns (AuditManager) {
        return new AuditManager(docket_, randomness_);
    }

    function createChallenges(ICaseDocket docket_) external returns (ChallengeManager) {
        return new ChallengeManager(address(accessManager), docket_);
    }

    function test_RevertWhen_SomethingIsMissingAtDeployment() public {
        for (uint256 i = 0; i < 9; ++i) {
            address[9] memory parts = abi.decode(abi.encode(_system()), (address[9]));
            parts[i] = address(0);
            vm.expectRevert(ICaseDocket.CaseDocket_ZeroAddress.selector);
            this.createDocket(abi.decode(abi.encode(parts), (ICaseDocket.System)), _auditParameters());
        }
        vm.expectRevert(IAuditManager.AuditManager_ZeroAddress.selector);
        this.createAudits(docket, IRandomness(address(0)));
        vm.expectRevert(IAuditManager.AuditManager_ZeroAddress.selector);
        this.createAudits(ICaseDocket(address(0)), randomness);
        vm.expectRevert(IChallengeManager.ChallengeManager_ZeroAddress.selector);
        this.createChallenges(ICaseDocket(address(0)));
    }

    function test_AmountsMayBeAtTheirLimits() public {
        ICaseDocket.Parameters memory parameters = _auditParameters();
        (parameters.minProbability, parameters.bond, parameters.maxChallenges) = (1, 6, 1);
        this.createDocket(_system(), parameters);
        (parameters.minProbability, parameters.maxChallenges) = (uint64(WAD), 1024);
        this.createDocket(_system(), parameters);
    }

    function test_RevertWhen_AnAmountIsOutOfRange() public {
        ICaseDocket.Parameters memory parameters = _auditParameters();
        parameters.minProbability = 0;
        _assertRejected("minProbability", parameters, 0, 1, WAD);
        parameters.minProbability = uint64(WAD + 1);
        _assertRejected("minProbability", parameters, WAD + 1, 1, WAD);

        parameters = _auditParameters();
        parameters.bond = 0;
        _assertRejected("bond", parameters, 0, 1, type(uint96).max);
        parameters.bond = 13;
        _assertRejected("bond", parameters, 13, 6, type(uint96).max);
        parameters.bond = uint128(type(uint96).max) + 1;
        _assertRejected("bond", parameters, parameters.bond, 1, type(uint96).max);

        parameters = _auditParameters();
        parameters.maxChallenges = 0;
        _assertRejected("maxChallenges", parameters, 0, 1, 1024);
        parameters.maxChallenges = 1025;
        _assertRejected("maxChallenges", parameters, 1025, 1, 1024);
    }

    function test_RevertWhen_AWindowIsOutOfRange() public {
        ICaseDocket.Parameters memory parameters = _auditParameters();
        parameters.answerWindow = 0;
        _assertRejected("answerWindow", parameters, 0, 1, MAX_WINDOW);
        parameters = _auditParameters();
        parameters.proofWindow = 0;
        _assertRejected("proofWindow", parameters, 0, 1, MAX_WINDOW);
        parameters = _auditParameters();
        parameters.commitWindow = 0;
        _assertRejected("commitWindow", parameters, 0, 1, MAX_WINDOW);
        parameters = _auditParameters();
        parameters.revealWindow = uint32(MAX_WINDOW + 1);
        _assertRejected("revealWindow", parameters, MAX_WINDOW + 1, 1, MAX_WINDOW);
        parameters = _auditParameters();
        parameters.canaryWindow = 0;
        _assertRejected("canaryWindow", parameters, 0, 1, MAX_WINDOW);
        parameters = _auditParameters();
        parameters.disputeWindow = 0;
        _assertRejected("disputeWindow", parameters, 0, 1, MAX_WINDOW);
    }

    /// @dev An outage is known at the end of its period's report window: the grace must outlast that.
    function test_RevertWhen_TheGraceIsTooShortToShowAnOutage() public {
        ICaseDocket.Parameters memory parameters = _auditParameters();
        parameters.grace = uint32(PERIOD_SECONDS + REPORT_WINDOW);
        _assertRejected("grace", parameters, parameters.grace, uint256(PERIOD_SECONDS) + REPORT_WINDOW + 1, MAX_WINDOW);
    }

    /// @dev Else an operator could have withdrawn what a verdict takes.
    function test_RevertWhen_ACaseCanOutlastTheThaw() public {
        ICaseDocket.Parameters memory parameters = _auditParameters();
        parameters.answerWindow = uint32(THAW - 8 days - GRACE - PROOF_WINDOW);
        new CaseDocket(address(accessManager), _system(), parameters);
        ++parameters.answerWindow;
        _assertRejected("audit", parameters, THAW + 1, 1, THAW);

        parameters = _auditParameters();
        parameters.disputeWindow = uint32(THAW - CANARY_WINDOW - PROOF_WINDOW);
        new CaseDocket(address(accessManager), _system(), parameters);
        ++parameters.canaryWindow;
        _assertRejected("challenge", parameters, THAW + 1, 1, THAW);
        parameters = _auditParameters();
        parameters.commitWindow = uint32(THAW);
        _assertRejected("audit", parameters, 11 days + THAW + REVEAL_WINDOW, 1, THAW);
    }

    function test_RevertWhen_TheCallerIsNotTheGovernor() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        vm.prank(attacker);
        docket.changeParameters(_auditParameters());
    }
}
