// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../src/interfaces/IFaults.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Base} from "./Base.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract SlasherChangeFaultTermsTest is Base {
    /// @dev What no governance can pass: principal and correlated part together, the latter alone, and a tombstone.
    struct Limits {
        uint16 principal;
        bool correlated;
        bool tombstone;
    }

    function _limits(IFaults.Fault fault) private pure returns (Limits memory) {
        if (fault == IFaults.Fault.Withheld) return Limits({principal: 10_000, correlated: true, tombstone: false});
        if (fault == IFaults.Fault.Unrevealed) return Limits({principal: 1000, correlated: true, tombstone: false});
        if (fault == IFaults.Fault.FalseReport) return Limits({principal: 1000, correlated: false, tombstone: false});
        return Limits({principal: 10_000, correlated: false, tombstone: true});
    }

    function _any(uint8 seed) private pure returns (IFaults.Fault) {
        return IFaults.Fault(1 + seed % uint8(type(IFaults.Fault).max));
    }

    /// @dev The harshest that the fault can have.
    function _harshest(IFaults.Fault fault) private pure returns (IFaults.Terms memory) {
        Limits memory limits = _limits(fault);
        return IFaults.Terms({
            earningsBps: 10_000,
            principalBps: limits.principal / 2,
            correlatedBps: limits.correlated ? limits.principal / 2 : 0,
            cutBps: 2000,
            tombstone: limits.tombstone,
            jailSeconds: 90 days
        });
    }

    function _assertRejected(IFaults.Fault fault, IFaults.Terms memory terms, bytes memory failure) private {
        bytes memory data = abi.encodeCall(slasher.changeFaultTerms, (fault, terms));
        vm.prank(governor);
        accessManager.schedule(address(slasher), data, 0);
        _skip(GOVERNOR_DELAY);
        vm.expectRevert(failure);
        vm.prank(governor);
        accessManager.execute(address(slasher), data);
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISlasher.Slasher_ParameterOutOfRange.selector, name, value, 0, max);
    }

    function test_TheTableIsTheOneOfTheDeployment() public view {
        ISlasher.FaultTable memory table = _faultTable();
        assertEq(abi.encode(slasher.terms(IFaults.Fault.Withheld)), abi.encode(table.withheld));
        assertEq(abi.encode(slasher.terms(IFaults.Fault.WrongOutput)), abi.encode(table.wrongOutput));
        assertEq(abi.encode(slasher.terms(IFaults.Fault.Equivocation)), abi.encode(table.equivocation));
        assertEq(abi.encode(slasher.terms(IFaults.Fault.FalseReport)), abi.encode(table.falseReport));
        assertEq(abi.encode(slasher.terms(IFaults.Fault.Unrevealed)), abi.encode(table.unrevealed));
    }

    /// @dev One table for whoever wants to know before it stakes.
    function test_DowntimeIsInTheTableToo() public view {
        IFaults.Terms memory terms = slasher.terms(IFaults.Fault.Downtime);
        assertEq(terms.earningsBps, _penalty().earningsBps);
        assertEq(terms.principalBps, _penalty().principalBps);
        assertEq(terms.correlatedBps, 0);
        assertEq(terms.cutBps, _penalty().reporterCutBps);
        assertFalse(terms.tombstone);
        assertEq(terms.jailSeconds, _penalty().jailSeconds);
    }

    function testFuzz_TheGovernorChangesTermsWithinLimits(uint8 seed, IFaults.Terms memory terms) public {
        IFaults.Fault fault = _any(seed);
        Limits memory limits = _limits(fault);
        terms.earningsBps = uint16(bound(terms.earningsBps, 0, 10_000));
        terms.principalBps = uint16(bound(terms.principalBps, 0, limits.principal));
        uint256 correlated = limits.correlated ? limits.principal - terms.principalBps : 0;
        terms.correlatedBps = uint16(bound(terms.correlatedBps, 0, correlated));
        terms.cutBps = uint16(bound(terms.cutBps, 0, 2000));
        terms.tombstone = terms.tombstone && limits.tombstone;
        terms.jailSeconds = uint64(bound(terms.jailSeconds, 0, 90 days));
        IFaults.Terms memory previous = slasher.terms(fault);
        bytes memory data = abi.encodeCall(slasher.changeFaultTerms, (fault, terms));
        vm.prank(governor);
        accessManager.schedule(address(slasher), data, 0);
        _skip(GOVERNOR_DELAY);

        vm.expectEmit(address(slasher));
        emit IFaults.FaultTermsChanged(fault, previous, terms);
        vm.prank(governor);
        slasher.changeFaultTerms(fault, terms);

        assertEq(abi.encode(slasher.terms(fault)), abi.encode(terms));
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        for (uint8 i = 0; i < uint8(type(IFaults.Fault).max); ++i) {
            IFaults.Fault fault = _any(i);
            Limits memory limits = _limits(fault);

            IFaults.Terms memory terms = _harshest(fault);
            terms.earningsBps = 10_001;
            _assertRejected(fault, terms, _outOfRange("earningsBps", 10_001, 10_000));

            terms = _harshest(fault);
            terms.principalBps = limits.principal + 1;
            _assertRejected(fault, terms, _outOfRange("principalBps", limits.principal + 1, limits.principal));

            terms = _harshest(fault);
            ++terms.correlatedBps;
            uint256 correlated = limits.correlated ? limits.principal / 2 : 0;
            _assertRejected(fault, terms, _outOfRange("correlatedBps", correlated + 1, correlated));

            terms = _harshest(fault);
            terms.cutBps = 2001;
            _assertRejected(fault, terms, _outOfRange("cutBps", 2001, 2000));

            terms = _harshest(fault);
            terms.jailSeconds = 90 days + 1;
            _assertRejected(fault, terms, _outOfRange("jailSeconds", 90 days + 1, 90 days));

            if (limits.tombstone) continue;
            terms = _harshest(fault);
            terms.tombstone = true;
            _assertRejected(fault, terms, _outOfRange("tombstone", 1, 0));
        }
    }

    function test_RevertWhen_TheFaultIsDowntime() public {
        _assertRejected(
            IFaults.Fault.Downtime,
            _harshest(IFaults.Fault.Unrevealed),
            abi.encodeWithSelector(ISlasher.Slasher_DowntimeHasItsOwnTerms.selector)
        );
    }

    function test_RevertWhen_TheCallerIsNotTheGovernor() public {
        IFaults.Terms memory terms = slasher.terms(IFaults.Fault.Withheld);
        address[4] memory callers = [attacker, admin, judge, address(slasher)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            slasher.changeFaultTerms(IFaults.Fault.Withheld, terms);
        }
    }
}
