// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {FaultWindow} from "../../src/libraries/FaultWindow.sol";
import {Test} from "forge-std/Test.sol";

contract FaultWindowTest is Test {
    using FaultWindow for FaultWindow.Window;

    uint256 private constant OPERATORS = 4;
    uint64 private constant NOW = 1000;

    /// @dev What a naive bookkeeper writes down of each fault.
    struct Note {
        address operator;
        uint64 number;
        uint256 stake;
    }

    FaultWindow.Window private window;
    Note[] private notes;

    function _count(uint64 present, address operator, uint256 stake) private returns (uint256) {
        notes.push(Note({operator: operator, number: present, stake: stake}));
        return window.count(present, operator, stake);
    }

    /// @dev The most an operator had at stake at a fault, going back from its latest one while the next is less than eight
    ///      buckets away; nothing when the latest is not in the window.
    function _naive(uint64 present, address operator) private view returns (uint256 most) {
        uint64 later = present;
        for (uint256 i = notes.length; i != 0; --i) {
            Note memory note = notes[i - 1];
            if (note.operator != operator) continue;
            if (note.number + 8 <= later) break;
            if (note.stake > most) most = note.stake;
            later = note.number;
        }
    }

    function _naiveSum(uint64 present) private view returns (uint256 sum) {
        for (uint160 i = 0; i < OPERATORS; ++i) {
            sum += _naive(present, address(i));
        }
    }

    /// @dev Faults of four operators at random times, now close together and now further apart than the window.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_EachOperatorCountsOnceInTheWindow(uint256 seed) public {
        uint64 present = NOW;
        for (uint256 i = 0; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            // forge-lint: disable-next-line(unsafe-typecast)
            present += uint64(seed % 5 == 0 ? (seed >> 8) % 12 : (seed >> 8) % 3);
            // forge-lint: disable-next-line(unsafe-typecast)
            address operator = address(uint160((seed >> 16) % OPERATORS));
            uint256 counted = _count(present, operator, (seed >> 32) % 2 ** 130);

            assertEq(counted, _naive(present, operator));
            assertEq(window.sum(present), _naiveSum(present));
        }
        for (uint64 later = present; later < present + 10; ++later) {
            assertEq(window.sum(later), _naiveSum(later));
        }
    }

    function test_AFaultCountsForEightBuckets() public {
        _count(NOW, address(1), 5);
        assertEq(window.sum(NOW + 7), 5);
        assertEq(window.sum(NOW + 8), 0);
    }

    /// @dev Neither more cases nor the stake that earlier ones left change what it counts as.
    function test_ASecondFaultMovesWhatWasCounted() public {
        _count(NOW, address(1), 5);
        assertEq(_count(NOW, address(1), 5), 5);
        assertEq(_count(NOW + 7, address(1), 3), 5);

        assertEq(window.sum(NOW + 7), 5);
        assertEq(window.sum(NOW + 14), 5);
        assertEq(window.sum(NOW + 15), 0);
    }

    /// @dev Its bucket may have been filled anew by another since.
    function test_WhatLeftTheWindowIsForgotten() public {
        _count(NOW, address(1), 5);
        _count(NOW + 8, address(2), 7);
        assertEq(window.sum(NOW + 8), 7);
        assertEq(_count(NOW + 8, address(1), 3), 3);
        assertEq(window.sum(NOW + 8), 10);
    }

    function test_TheBeginningOfTimeIsNoBorder() public {
        assertEq(window.sum(0), 0);
        _count(0, address(1), 5);
        _count(3, address(1), 6);
        assertEq(window.sum(3), 6);
        assertEq(window.sum(10), 6);
        assertEq(window.sum(11), 0);
    }
}
