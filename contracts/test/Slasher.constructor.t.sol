// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Slasher} from "../src/Slasher.sol";
import {UptimeLedger} from "../src/UptimeLedger.sol";
import {IFaults} from "../src/interfaces/IFaults.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {Base} from "./Base.t.sol";

contract SlasherConstructorTest is Base {
    function _create(uint64 evidenceWindow, ISlasher.DowntimePenalty memory penalty) private returns (Slasher) {
        return _create(
            ISlasher.Configuration({
                evidenceWindow: evidenceWindow, correlationWindow: CORRELATION_WINDOW, firstPeriod: 7
            }),
            penalty,
            _faultTable()
        );
    }

    function _create(
        ISlasher.Configuration memory configuration,
        ISlasher.DowntimePenalty memory penalty,
        ISlasher.FaultTable memory table
    ) private returns (Slasher) {
        return new Slasher(
            address(accessManager), ledger, operatorRegistry, vault, settlement, configuration, penalty, table
        );
    }

    function _expectTerms(address expected, IFaults.Fault fault, IFaults.Terms memory terms) private {
        IFaults.Terms memory none;
        vm.expectEmit(expected);
        emit IFaults.FaultTermsChanged(fault, none, terms);
    }

    function test_ItIsConfiguredAsAsked() public {
        ISlasher.DowntimePenalty memory none;
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(expected);
        emit ISlasher.SlasherConfigured(
            address(ledger),
            address(operatorRegistry),
            address(vault),
            address(settlement),
            ISlasher.Configuration({evidenceWindow: EVIDENCE, correlationWindow: CORRELATION_WINDOW, firstPeriod: 7})
        );
        vm.expectEmit(expected);
        emit ISlasher.DowntimePenaltyChanged(none, _penalty());
        ISlasher.FaultTable memory table = _faultTable();
        _expectTerms(expected, IFaults.Fault.Withheld, table.withheld);
        _expectTerms(expected, IFaults.Fault.WrongOutput, table.wrongOutput);
        _expectTerms(expected, IFaults.Fault.Equivocation, table.equivocation);
        _expectTerms(expected, IFaults.Fault.FalseReport, table.falseReport);
        _expectTerms(expected, IFaults.Fault.Unrevealed, table.unrevealed);

        Slasher created = _create(EVIDENCE, _penalty());

        assertEq(address(created.UPTIME_LEDGER()), address(ledger));
        assertEq(address(created.OPERATOR_REGISTRY()), address(operatorRegistry));
        assertEq(address(created.STAKE_VAULT()), address(vault));
        assertEq(address(created.INFERENCE_SETTLEMENT()), address(settlement));
        assertEq(created.EVIDENCE_WINDOW(), EVIDENCE);
        assertEq(created.CORRELATION_WINDOW(), CORRELATION_WINDOW);
        assertEq(created.nextPeriod(), 7);
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

    /// @dev A result further back than weighing looks could be passed over while it can still be punished.
    function test_RevertWhen_EvidenceOutlastsTheLookBack() public {
        uint64 max = 64 hours;
        IUptimeLedger.Schedule memory schedule = _schedule();
        schedule.slotsPerPeriod = 1;
        schedule.reportWindow = max - 1;
        ledger = new UptimeLedger(operatorRegistry, schedule);
        assertEq(_create(max, _penalty()).MAX_LOOK_BACK(), 64);

        vm.expectRevert(_outOfRange("evidenceWindow", max + 1, max, max));
        _create(max + 1, _penalty());
    }

    function testFuzz_RevertWhen_TheCorrelationWindowIsOutOfRange(uint64 window) public {
        window = window % 2 == 0 ? uint64(bound(window, 0, 7)) : uint64(bound(window, 365 days + 1, type(uint64).max));
        vm.expectRevert(_outOfRange("correlationWindow", window, 8, 365 days));
        _create(
            ISlasher.Configuration({evidenceWindow: EVIDENCE, correlationWindow: window, firstPeriod: 0}),
            _penalty(),
            _faultTable()
        );
    }

    function test_RevertWhen_TermsOfAFaultAreOutOfRange() public {
        ISlasher.FaultTable memory table = _faultTable();
        table.unrevealed.principalBps = 1001;
        vm.expectRevert(_outOfRange("principalBps", 1001, 0, 1000));
        _create(_slasherConfiguration(), _penalty(), table);
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 min, uint256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISlasher.Slasher_ParameterOutOfRange.selector, name, value, min, max);
    }
}
