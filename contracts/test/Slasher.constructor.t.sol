// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Slasher} from "../src/Slasher.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Base} from "./Base.t.sol";

contract SlasherConstructorTest is Base {
    function _create(uint64 evidenceWindow, ISlasher.DowntimePenalty memory penalty) private returns (Slasher) {
        return new Slasher(address(accessManager), ledger, operatorRegistry, vault, settlement, evidenceWindow, penalty);
    }

    function test_ItIsConfiguredAsAsked() public {
        ISlasher.DowntimePenalty memory none;
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(expected);
        emit ISlasher.SlasherConfigured(
            address(ledger), address(operatorRegistry), address(vault), address(settlement), EVIDENCE
        );
        vm.expectEmit(expected);
        emit ISlasher.DowntimePenaltyChanged(none, _penalty());

        Slasher created = _create(EVIDENCE, _penalty());

        assertEq(address(created.UPTIME_LEDGER()), address(ledger));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(address(created.INFERENCE_SETTLEMENT()), address(settlement));
        assertEq(created.EVIDENCE_WINDOW(), EVIDENCE);
        assertEq(created.authority(), address(accessManager));
        assertEq(abi.encode(created.downtimePenalty()), abi.encode(_penalty()));
    }

    /// @dev A thaw begun when the fault began must still hold the stake when the last evidence is taken.
    function testFuzz_RevertWhen_StakeCouldLeaveBeforeItsDowntimeIsPunished(uint64 evidenceWindow) public {
        uint64 max = THAW - PERIOD_SECONDS;
        evidenceWindow = uint64(bound(evidenceWindow, max + 1, type(uint64).max));
        vm.expectRevert(_outOfRange("evidenceWindow", evidenceWindow, REPORT_WINDOW + 1, max));
        _create(evidenceWindow, _penalty());
    }

    function testFuzz_RevertWhen_AResultIsFinalOnlyAfterItsEvidenceExpired(uint64 evidenceWindow) public {
        evidenceWindow = uint64(bound(evidenceWindow, 0, REPORT_WINDOW));
        vm.expectRevert(_outOfRange("evidenceWindow", evidenceWindow, REPORT_WINDOW + 1, THAW - PERIOD_SECONDS));
        _create(evidenceWindow, _penalty());
    }

    function test_RevertWhen_ThePenaltyIsOutOfRange() public {
        ISlasher.DowntimePenalty memory penalty = _penalty();
        penalty.principalBps = 1001;
        vm.expectRevert(_outOfRange("principalBps", 1001, 0, 1000));
        _create(EVIDENCE, penalty);
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 min, uint256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISlasher.Slasher_ParameterOutOfRange.selector, name, value, min, max);
    }
}
