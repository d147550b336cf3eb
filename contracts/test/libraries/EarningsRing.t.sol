// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {EarningsRing} from "../../src/libraries/EarningsRing.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Test, stdError} from "forge-std/Test.sol";

contract EarningsRingTest is Test {
    using EarningsRing for EarningsRing.Ring;

    /// @dev The naive model: everything ever locked that was not yet released, in the order of its epochs.
    struct Entry {
        uint64 epoch;
        uint256 amount;
    }

    uint256 private constant STEPS = 40;

    EarningsRing.Ring private _ring;
    Entry[] private _entries;
    uint256 private _claimable;

    function test_EarningsAreFreeEightEpochsLaterAndNotBefore() public {
        _ring.advance(100);
        _ring.lock(5);
        assertEq(_ring.advance(107), 0);
        assertEq(_ring.claimable, 0);
        assertEq(_ring.advance(108), 5);
        assertEq(_ring.claimable, 5);
        assertEq(_ring.advance(116), 0);
    }

    function test_AdvanceWithinAnEpochDoesNothing() public {
        _ring.advance(9);
        _ring.lock(7);
        assertEq(_ring.advance(9), 0);
        (uint256 locked, uint256 claimable) = _ring.balances(9);
        assertEq(locked, 7);
        assertEq(claimable, 0);
    }

    function test_AJumpOverManyEpochsReleasesEverythingOnce() public {
        for (uint64 epoch = 1; epoch <= 8; ++epoch) {
            _ring.advance(epoch);
            _ring.lock(uint128(10) ** epoch);
        }
        assertEq(_ring.advance(type(uint32).max), 111_111_110);
        (uint256 locked, uint256 claimable) = _ring.balances(type(uint32).max);
        assertEq(locked, 0);
        assertEq(claimable, 111_111_110);
    }

    function test_TakeEmptiesClaimableFirstAndThenTheOldestBucket() public {
        _ring.advance(10);
        _ring.lock(1);
        _ring.advance(16);
        _ring.lock(10);
        _ring.advance(18);
        _ring.lock(100);
        (uint256 fromClaimable, uint256 fromLocked) = _ring.take(6);
        assertEq(fromClaimable, 1);
        assertEq(fromLocked, 5);
        // What is left of epoch 16 still matures on its own day.
        assertEq(_ring.advance(24), 5);
        assertEq(_ring.advance(26), 100);
    }

    function test_TakeSaturates() public {
        _ring.advance(1);
        _ring.lock(3);
        (uint256 fromClaimable, uint256 fromLocked) = _ring.take(type(uint256).max);
        assertEq(fromClaimable, 0);
        assertEq(fromLocked, 3);
        (fromClaimable, fromLocked) = _ring.take(1);
        assertEq(fromClaimable + fromLocked, 0);
    }

    function test_RevertWhen_MoreIsLockedThanARingHolds() public {
        _ring.lock(type(uint112).max);
        vm.expectRevert(stdError.arithmeticError);
        this.lock(1);
        vm.expectPartialRevert(SafeCast.SafeCastOverflowedUintDowncast.selector);
        this.lock(uint128(1) << 112);
    }

    function lock(uint128 amount) external {
        _ring.lock(amount);
    }

    /// @dev A random life: time stands still, creeps, crosses the window or leaps; earnings come, go and are seized.
    /// forge-config: default.fuzz.runs = 96
    function testFuzz_AgreesWithAListOfEarnings(uint256 seed) public {
        uint64 epoch = uint64(bound(seed, 0, 1e6));
        for (uint256 step = 0; step < STEPS; ++step) {
            uint256 random = uint256(keccak256(abi.encode(seed, step)));
            epoch += _jump(random);
            _assertBalances(epoch);
            assertEq(_ring.advance(epoch), _modelAdvance(epoch), "matured");
            // Below 1e24.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint128 amount = uint128((random >> 64) % 1e24);
            if (random & 0x30 == 0) {
                (uint256 fromClaimable, uint256 fromLocked) = _ring.take(amount);
                (uint256 modelClaimable, uint256 modelLocked) = _modelTake(amount);
                assertEq(fromClaimable, modelClaimable, "taken from claimable");
                assertEq(fromLocked, modelLocked, "taken from locked");
            } else {
                _ring.lock(amount);
                _entries.push(Entry({epoch: epoch, amount: amount}));
            }
            _assertBalances(epoch);
        }
    }

    function _jump(uint256 random) private pure returns (uint64) {
        uint256 kind = random % 8;
        if (kind < 3) return 0;
        if (kind < 6) return uint64(1 + (random >> 8) % 3);
        if (kind == 6) return uint64(6 + (random >> 8) % 5);
        return uint64((random >> 8) % 1e6);
    }

    function _assertBalances(uint64 epoch) private view {
        (uint256 locked, uint256 claimable) = _ring.balances(epoch);
        uint256 modelLocked = 0;
        uint256 modelClaimable = _claimable;
        for (uint256 i = 0; i < _entries.length; ++i) {
            if (_entries[i].epoch + 8 <= epoch) modelClaimable += _entries[i].amount;
            else modelLocked += _entries[i].amount;
        }
        assertEq(locked, modelLocked, "locked");
        assertEq(claimable, modelClaimable, "claimable");
    }

    function _modelAdvance(uint64 epoch) private returns (uint256 matured) {
        for (uint256 i = 0; i < _entries.length; ++i) {
            if (_entries[i].epoch + 8 > epoch) continue;
            matured += _entries[i].amount;
            _entries[i].amount = 0;
        }
        _claimable += matured;
    }

    function _modelTake(uint256 amount) private returns (uint256 fromClaimable, uint256 fromLocked) {
        fromClaimable = amount < _claimable ? amount : _claimable;
        _claimable -= fromClaimable;
        uint256 left = amount - fromClaimable;
        for (uint256 i = 0; i < _entries.length; ++i) {
            uint256 part = left < _entries[i].amount ? left : _entries[i].amount;
            _entries[i].amount -= part;
            fromLocked += part;
            left -= part;
        }
    }
}
