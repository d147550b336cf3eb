// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IOperatorRegistry} from "../../src/interfaces/IOperatorRegistry.sol";
import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {FaultBase} from "../FaultBase.t.sol";

/// @notice The Slasher under random use: a judge, operators that come and go, stakers, payers and time. What one call must
///         and must not do is checked here; what must hold between calls is checked by the test.
contract FaultHandler is FaultBase {
    uint256 private constant MAX_STAKE = 1e5 ether;
    uint256 private constant MAX_FEE = 1000 ether;

    /// @dev What a naive bookkeeper writes down of a fault that is weighed by the stake at fault.
    struct Note {
        address operator;
        uint64 bucket;
        uint256 stake;
    }

    address[2] private _provers = [reporter, attacker];
    Note[] private _notes;
    bytes32[] private _punishedOffences;
    mapping(address operator => bool) private _tombstoned;
    uint256 private _earningsTaken;
    uint256 private _principalTaken;
    uint256 private _refunds;

    // What the test looks at.

    /// @notice Everything that was taken, and everything that provers got of it.
    function taken()
        external
        view
        returns (uint256 earnings, uint256 principal, uint256 ofEarnings, uint256 ofPrincipal)
    {
        (earnings, principal) = (_earningsTaken, _principalTaken);
        for (uint256 i = 0; i < _provers.length; ++i) {
            ofEarnings += settlement.credited(_provers[i]);
            ofPrincipal += vault.credited(_provers[i]);
        }
    }

    /// @notice What the victim was refunded, and the most that it may have been.
    function refunded() external view returns (uint256 actual, uint256 most) {
        return (settlement.credited(victim), _refunds);
    }

    function counts() external view returns (uint256 atFault, uint256 naive) {
        (atFault,) = slasher.stakeAtFault();
        uint64 present = _bucket();
        for (uint256 i = 0; i < operators.length; ++i) {
            naive += _most(operators[i], present);
        }
    }

    /// @notice The first operator that is not what its tombstone made it; zero when there is none.
    function risen() external view returns (address) {
        for (uint256 i = 0; i < operators.length; ++i) {
            if (_tombstoned[operators[i]] != (_status(operators[i]) == IOperatorRegistry.Status.Tombstoned)) {
                return operators[i];
            }
        }
        return address(0);
    }

    function areAllPunished() external view returns (bool all) {
        all = true;
        for (uint256 i = 0; i < _punishedOffences.length; ++i) {
            all = all && slasher.isPunished(_punishedOffences[i]);
        }
    }

    // Actions. None may revert: what cannot be done is not tried, or its revert is expected.

    function punish(uint256 operatorSeed, uint8 faultSeed, uint256 cap, uint256 refund, uint256 proverSeed) external {
        IFaults.Fault fault = IFaults.Fault(1 + faultSeed % uint8(type(IFaults.Fault).max));
        IFaults.Punishment memory punishment = _fault(fault, _operator(operatorSeed));
        // Equivocation now and then, or everybody would soon be gone.
        if (fault == IFaults.Fault.Equivocation && cap % 4 != 0) punishment.terms.tombstone = false;
        if (cap % 3 == 0) punishment.principalCap = _bound(cap, 0, MAX_STAKE);
        if (proverSeed % 3 != 0) punishment.beneficiary = _provers[proverSeed % 2];
        if (refund % 2 == 0) (punishment.victim, punishment.refund) = (victim, _bound(refund, 0, MAX_FEE));
        _punishAndCheck(punishment);
    }

    /// @dev Whatever is called a second time, it is not punished.
    function punishAgain(uint256 offenceSeed, uint256 operatorSeed) external {
        if (_punishedOffences.length == 0) return;
        IFaults.Punishment memory punishment = _fault(IFaults.Fault.WrongOutput, _operator(operatorSeed));
        punishment.offence = _punishedOffences[offenceSeed % _punishedOffences.length];
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_OffencePunished.selector, punishment.offence));
        _punish(punishment);
    }

    /// @dev Each way an operator has of changing its own status.
    function move(uint256 operatorSeed, uint256 door) external {
        address of_ = _operator(operatorSeed);
        IOperatorRegistry.Status status = _status(of_);
        bool isBonded = vault.isBonded(of_);
        if (door % 3 == 0) {
            bool can = status == IOperatorRegistry.Status.Jailed && isBonded
                && _now() >= operatorRegistry.operatorOf(of_).jailedUntil;
            if (!can) vm.expectRevert();
            vm.prank(of_);
            operatorRegistry.unjail();
        } else if (door % 3 == 1) {
            if (status != IOperatorRegistry.Status.Active) vm.expectRevert();
            vm.prank(of_);
            operatorRegistry.serve(modelId, 1, 1 gwei);
        } else {
            // Rarely, for it is for ever.
            if (door % 5 != 0) return;
            bool isGone = status == IOperatorRegistry.Status.Exiting || status == IOperatorRegistry.Status.Tombstoned;
            if (isGone) vm.expectRevert();
            vm.prank(of_);
            operatorRegistry.exit();
        }
    }

    /// @dev By another path to the registry, as the Slasher has one for downtime.
    function jail(uint256 operatorSeed, uint64 duration) external {
        vm.prank(address(slasher));
        operatorRegistry.jail(_operator(operatorSeed), _now() + uint64(_bound(duration, 0, 30 days)));
    }

    function stake(uint256 operatorSeed, uint256 assets) external {
        _stake(_operator(operatorSeed), _bound(assets, MIN_DEPOSIT, MAX_STAKE));
    }

    function thaw(uint256 operatorSeed, uint256 shares) external {
        address of_ = _operator(operatorSeed);
        if (vault.stakeOf(of_, of_) < 2) return;
        uint256 held = _sharesOf(of_, of_);
        _thaw(of_, of_, _bound(shares, held / 2, held));
    }

    function pay(uint256 operatorSeed, uint256 fee) external {
        // A fee is bounded.
        // forge-lint: disable-next-line(unsafe-typecast)
        _pay(_operator(operatorSeed), uint128(_bound(fee, 1 ether, MAX_FEE)));
    }

    function wait(uint256 duration) external {
        _skip(uint64(_bound(duration, 1 minutes, CORRELATION_WINDOW / 2)));
    }

    function _punishAndCheck(IFaults.Punishment memory punishment) private {
        address of_ = punishment.operator;
        uint256 escrowed = _escrowed(of_);
        uint256 slashable = vault.slashable(of_);
        IOperatorRegistry.Status status = _status(of_);
        (uint256 earningsTaken, uint256 principalTaken) = _punish(punishment);

        assertEq(escrowed - _escrowed(of_), earningsTaken, "it says what it took of the earnings");
        assertLe(principalTaken, punishment.principalCap, "no more than the cap");
        assertLe(principalTaken, slashable * _mostOf(punishment.terms) / 10_000, "no more than the terms say");
        assertGe(slashable - vault.slashable(of_), principalTaken, "it says what it took of the pool");
        if (status == IOperatorRegistry.Status.Exiting && !punishment.terms.tombstone) {
            assertEq(uint8(_status(of_)), uint8(status), "who exited stays so");
        }
        if (punishment.fault == IFaults.Fault.Withheld || punishment.fault == IFaults.Fault.Unrevealed) {
            _notes.push(Note({operator: of_, bucket: _bucket(), stake: slashable}));
        }
        if (punishment.terms.tombstone) _tombstoned[of_] = true;
        if (punishment.victim != address(0)) _refunds += punishment.refund;
        _punishedOffences.push(punishment.offence);
        _earningsTaken += earningsTaken;
        _principalTaken += principalTaken;
    }

    function _mostOf(IFaults.Terms memory terms) private pure returns (uint256) {
        return uint256(terms.principalBps) + terms.correlatedBps;
    }

    function _operator(uint256 seed) private view returns (address) {
        return operators[seed % operators.length];
    }

    function _status(address of_) private view returns (IOperatorRegistry.Status) {
        return operatorRegistry.operatorOf(of_).status;
    }

    function _bucket() private view returns (uint64) {
        return _now() / (CORRELATION_WINDOW / 8);
    }

    /// @dev The most it had at stake at a fault, going back from its latest one while the next is less than eight buckets
    ///      away; nothing when the latest is not in the window.
    function _most(address of_, uint64 present) private view returns (uint256 most) {
        for (uint256 i = _notes.length; i != 0; --i) {
            Note memory note = _notes[i - 1];
            if (note.operator != of_) continue;
            if (note.bucket + 8 <= present) break;
            if (note.stake > most) most = note.stake;
            present = note.bucket;
        }
    }
}
