// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {BitmapMajority} from "../../src/libraries/BitmapMajority.sol";
import {Test} from "forge-std/Test.sol";

contract BitmapMajorityTest is Test {
    using BitmapMajority for BitmapMajority.Counter;

    function test_EmptyCounterHasNoMajority() public pure {
        BitmapMajority.Counter memory counter;
        assertEq(counter.majority(), 0);
    }

    function test_ThreeVotesAreNoMajorityAndFourAre() public pure {
        BitmapMajority.Counter memory counter;
        for (uint256 i = 0; i < 3; ++i) {
            counter.add(type(uint256).max);
        }
        assertEq(counter.majority(), 0);
        counter.add(1 | (1 << 255));
        assertEq(counter.majority(), 1 | (1 << 255));
    }

    function test_MajorityStaysUpToTheSeventhVote() public pure {
        BitmapMajority.Counter memory counter;
        for (uint256 i = 0; i < 7; ++i) {
            counter.add(type(uint256).max);
            assertEq(counter.majority(), i < 3 ? 0 : type(uint256).max);
        }
    }

    function testFuzz_AgreesWithACountOfEachBit(uint256[7] memory votes, uint256 voters) public pure {
        voters = bound(voters, 0, 7);
        BitmapMajority.Counter memory counter;
        for (uint256 i = 0; i < voters; ++i) {
            counter.add(votes[i]);
        }
        assertEq(counter.majority(), _naiveMajority(votes, voters));
    }

    /// @dev Random words rarely agree; votes that share a pattern reach every count.
    function testFuzz_AgreesWithACountOfEachBitWhenVotersMostlyAgree(uint256 pattern, uint256[7] memory noise)
        public
        pure
    {
        uint256[7] memory votes;
        BitmapMajority.Counter memory counter;
        for (uint256 i = 0; i < 7; ++i) {
            votes[i] = pattern ^ (noise[i] & (noise[i] >> 7));
            counter.add(votes[i]);
        }
        assertEq(counter.majority(), _naiveMajority(votes, 7));
    }

    function testFuzz_OrderOfVotesDoesNotMatter(uint256[7] memory votes, uint256 seed) public pure {
        BitmapMajority.Counter memory forwards;
        for (uint256 i = 0; i < 7; ++i) {
            forwards.add(votes[i]);
        }
        BitmapMajority.Counter memory shuffled;
        for (uint256 left = 7; left != 0; --left) {
            uint256 pick = uint256(keccak256(abi.encode(seed, left))) % left;
            shuffled.add(votes[pick]);
            votes[pick] = votes[left - 1];
        }
        assertEq(shuffled.ones, forwards.ones);
        assertEq(shuffled.twos, forwards.twos);
        assertEq(shuffled.fours, forwards.fours);
    }

    function _naiveMajority(uint256[7] memory votes, uint256 voters) private pure returns (uint256 majority) {
        for (uint256 bit = 0; bit < 256; ++bit) {
            uint256 count = 0;
            for (uint256 i = 0; i < voters; ++i) {
                count += (votes[i] >> bit) & 1;
            }
            if (count >= 4) majority |= 1 << bit;
        }
    }
}
