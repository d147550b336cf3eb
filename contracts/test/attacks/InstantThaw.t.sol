// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StakeVault} from "../../src/StakeVault.sol";
import {IStakeVault} from "../../src/interfaces/IStakeVault.sol";
import {Base} from "../Base.t.sol";
import {stdError} from "forge-std/StdError.sol";

/// @notice Attack: durations so large that a sum overflows and a thaw is over at once.
contract InstantThawTest is Base {
    function _create(IStakeVault.Durations memory durations) private returns (StakeVault) {
        return new StakeVault(address(accessManager), stakeToken, feeToken, sink, FLOOR, MIN_DEPOSIT, durations);
    }

    /// @dev Four parts that add up to 2^64 would require a thaw of nothing, if the sum wrapped around.
    function testFuzz_APartSumThatOverflowsIsRejected(uint64 evidence, uint64 thaw) public {
        evidence = uint64(bound(evidence, 1, type(uint64).max));
        thaw = uint64(bound(thaw, 0, 365 days));
        vm.expectRevert(stdError.arithmeticError);
        _create(IStakeVault.Durations(thaw, evidence, type(uint64).max - evidence, 1, 0));
    }

    /// @dev A thaw near 2^64 seconds would make `now + thaw` wrap around into the past.
    function testFuzz_AThawThatOverflowsIsRejected(uint64 thaw) public {
        thaw = uint64(bound(thaw, 365 days + 1, type(uint64).max));
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_ThawTooLong.selector, thaw, 365 days));
        _create(IStakeVault.Durations(thaw, 1, 1, 1, 1));
    }

    /// @dev Whatever is thawed, nothing comes out before the full thaw is over.
    function testFuzz_NoAmountThawsEarly(uint256 shares, uint64 wait) public {
        _stake(attacker, OWN_STAKE);
        wait = uint64(bound(wait, 0, THAW - 1));
        uint64 readyAt = _now() + THAW;
        uint256 ticketId = _thaw(attacker, attacker, bound(shares, 1e6, OWN_STAKE * 1e6));
        _skip(wait);

        vm.expectRevert(abi.encodeWithSelector(IStakeVault.StakeVault_TicketNotReady.selector, ticketId, readyAt));
        _withdraw(attacker, ticketId);
    }
}
