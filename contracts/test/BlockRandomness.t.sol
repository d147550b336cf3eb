// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {BlockRandomness} from "../src/BlockRandomness.sol";
import {IBlockRandomness} from "../src/interfaces/IBlockRandomness.sol";
import {IRandomness} from "../src/interfaces/IRandomness.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {BlockHeaders} from "./audits/BlockHeaders.sol";

contract BlockRandomnessTest is AuditBase {
    uint64 private constant ROUND = 5000;
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function _assertSeed(IRandomness.Status status, bytes32 value) private view {
        (IRandomness.Status actual, bytes32 seed) = randomness.seed(ROUND);
        assertEq(uint8(actual), uint8(status));
        assertEq(seed, value);
    }

    function _mineHeader(bytes32 prevRandao) private returns (bytes memory header) {
        header = BlockHeaders.header(ROUND, prevRandao);
        vm.roll(ROUND + 1);
        vm.setBlockhash(ROUND, keccak256(header));
    }

    function testFuzz_AHeaderProvesItsRandomness(bytes32 prevRandao) public {
        vm.assume(prevRandao != 0);
        bytes memory header = _mineHeader(prevRandao);
        vm.expectEmit(address(randomness));
        emit IBlockRandomness.SeedRecorded(ROUND, prevRandao, bob);
        vm.prank(bob);
        assertEq(randomness.record(ROUND, header), prevRandao);
        _assertSeed(IRandomness.Status.Ready, prevRandao);
        vm.roll(ROUND + 10 * WINDOW);
        _assertSeed(IRandomness.Status.Ready, prevRandao);
    }

    function test_ARoundIsABlockAfterTheCommitments() public view {
        assertEq(randomness.roundFor(_now(), 1000), 1000 + DELAY);
        assertTrue(randomness.biasable());
        assertEq(randomness.DELAY(), DELAY);
        assertEq(randomness.WINDOW(), WINDOW);
    }

    function test_ASeedExpiresWithItsBlocksHash() public {
        bytes memory header = _mineHeader("randao");
        vm.roll(ROUND + WINDOW);
        _assertSeed(IRandomness.Status.Pending, 0);
        vm.roll(ROUND + WINDOW + 1);
        _assertSeed(IRandomness.Status.Expired, 0);
        vm.expectRevert(abi.encodeWithSelector(IBlockRandomness.BlockRandomness_RoundExpired.selector, ROUND));
        randomness.record(ROUND, header);
    }

    /// @dev An expired round must stay so, even where the chain still knows the hash.
    function test_RevertWhen_TheWindowIsOverButTheHashKnown() public {
        randomness = new BlockRandomness(DELAY, 32);
        bytes memory header = _mineHeader("randao");
        vm.roll(ROUND + 33);
        vm.setBlockhash(ROUND, keccak256(header));
        _assertSeed(IRandomness.Status.Expired, 0);
        vm.expectRevert(abi.encodeWithSelector(IBlockRandomness.BlockRandomness_RoundExpired.selector, ROUND));
        randomness.record(ROUND, header);
    }

    function test_RevertWhen_TheHeaderIsAnother() public {
        bytes memory header = _mineHeader("randao");
        bytes32 blockHash = keccak256(header);
        bytes memory other = BlockHeaders.header(ROUND, "chosen");
        vm.expectRevert(
            abi.encodeWithSelector(
                IBlockRandomness.BlockRandomness_WrongHeader.selector, ROUND, keccak256(other), blockHash
            )
        );
        randomness.record(ROUND, other);
        // A header of one block is none of another.
        vm.expectRevert(
            abi.encodeWithSelector(
                IBlockRandomness.BlockRandomness_WrongHeader.selector, ROUND - 1, blockHash, blockhash(ROUND - 1)
            )
        );
        randomness.record(ROUND - 1, header);
    }

    function test_RevertWhen_TheBlockIsNotMined() public {
        vm.roll(ROUND);
        _assertSeed(IRandomness.Status.Pending, 0);
        vm.expectRevert(abi.encodeWithSelector(IBlockRandomness.BlockRandomness_NotMined.selector, ROUND));
        randomness.record(ROUND, "");
    }

    function test_RevertWhen_ItIsRecorded() public {
        bytes memory header = _mineHeader("randao");
        randomness.record(ROUND, header);
        vm.expectRevert(abi.encodeWithSelector(IBlockRandomness.BlockRandomness_AlreadyRecorded.selector, ROUND));
        randomness.record(ROUND, header);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        uint64[4] memory delays = [uint64(1), 129, 2, 2];
        uint64[4] memory windows = [uint64(256), 256, 31, 257];
        uint64[3][4] memory told =
            [[uint64(1), 2, 128], [uint64(129), 2, 128], [uint64(31), 32, 256], [uint64(257), 32, 256]];
        for (uint256 i = 0; i < delays.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IBlockRandomness.BlockRandomness_ParameterOutOfRange.selector, told[i][0], told[i][1], told[i][2]
                )
            );
            new BlockRandomness(delays[i], windows[i]);
        }
    }

    /// @dev Where EIP-2935 keeps hashes for longer, a window can use them.
    function test_AWindowIsAsLongAsTheHistory() public {
        // Answers every call with 32 bytes of ones.
        vm.etch(HISTORY, hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff60005260206000f3");
        vm.expectEmit();
        emit IBlockRandomness.BlockRandomnessConfigured(DELAY, 8191);
        randomness = new BlockRandomness(DELAY, 8191);
        vm.roll(ROUND + 8000);
        bytes memory header = BlockHeaders.header(ROUND, "randao");
        vm.expectRevert(
            abi.encodeWithSelector(
                IBlockRandomness.BlockRandomness_WrongHeader.selector,
                ROUND,
                keccak256(header),
                bytes32(type(uint256).max)
            )
        );
        randomness.record(ROUND, header);
    }
}
