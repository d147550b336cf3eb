// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {FaultBase} from "../FaultBase.t.sol";

/// @notice Attack: split one failure into many cases, so that the outage of one looks like that of many; split one operator
///         into many, so that each is weighed as a small one; have one deed punished twice.
contract SplitPunishmentTest is FaultBase {
    /// @dev Whoever has many receipts of one operator's outage opens a case for each.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_ManyCasesAgainstOneAreOneAtFault(uint256 cases, uint256 pause) public {
        cases = bound(cases, 1, 12);
        pause = bound(pause, 0, CORRELATION_WINDOW / 8);
        for (uint256 i = 0; i < cases; ++i) {
            _punish(_fault(IFaults.Fault.Withheld, operators[1]));
            (uint256 atFault,) = slasher.stakeAtFault();
            assertEq(atFault, OWN_STAKE);
            _skip(uint64(pause));
        }
        (, uint256 total) = slasher.stakeAtFault();

        (, uint256 principalTaken) = _punish(_fault(IFaults.Fault.Withheld, operator));

        assertEq(principalTaken, OWN_STAKE / 20 + OWN_STAKE / 2 * 6 * OWN_STAKE / total);
    }

    /// @dev Penalties are taken one by one, each at the share at fault by then, so that `n` parts pay at least `(n + 1) / 2n`
    ///      of what the whole pays for correlation, and all of the rest.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_SplittingAnOperatorSavesLessThanHalf(uint256 parts) public {
        parts = bound(parts, 2, 4);
        uint256 before = vm.snapshotState();
        _stake(operator, (parts - 1) * OWN_STAKE);
        (, uint256 whole) = _punish(_fault(IFaults.Fault.Withheld, operator));
        vm.revertToState(before);

        _registerOperators(parts - 1);
        (, uint256 split) = _punish(_fault(IFaults.Fault.Withheld, operator));
        for (uint256 i = 0; i < parts - 1; ++i) {
            (, uint256 taken) = _punish(_fault(IFaults.Fault.Withheld, operators[OPERATORS + i]));
            split += taken;
        }

        uint256 flat = parts * OWN_STAKE / 20;
        assertGe(split - flat, (whole - flat) * (parts + 1) / (2 * parts));
    }

    /// @dev Not by a judge, whatever it calls the deed the second time.
    function testFuzz_RevertWhen_OneDeedIsPunishedTwice(uint8 first, uint8 second, bool ofAnother) public {
        IFaults.Punishment memory punishment = _fault(_any(first), operator);
        _punish(punishment);
        IFaults.Punishment memory again = _fault(_any(second), ofAnother ? operators[1] : operator);
        again.offence = punishment.offence;
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_OffencePunished.selector, punishment.offence));
        _punish(again);
    }

    function _any(uint8 seed) private pure returns (IFaults.Fault) {
        return IFaults.Fault(1 + seed % uint8(type(IFaults.Fault).max));
    }
}
