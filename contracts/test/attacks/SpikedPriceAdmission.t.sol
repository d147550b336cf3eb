// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {OraclePrices} from "./OraclePrices.sol";

/// @notice Attack: pump the price of stake for an hour, settle what it then covers, and let it fall.
contract SpikedPriceAdmissionTest is OraclePrices {
    /// @dev However high the spot, the average holds the price, and who writes the spike down gains nothing by it.
    function testFuzz_ASpikeCoversNothingMore(uint256 spike) public {
        // At most 1e28.
        // forge-lint: disable-next-line(unsafe-typecast)
        feed.setAnswer(int256(bound(spike, uint256(ONE), 1e28)));
        assertEq(settlement.coverage(operator).collateral, COLLATERAL);
        _skip(1 hours);
        // forge-lint: disable-next-line(unsafe-typecast)
        _observe(int256(bound(spike, uint256(ONE), 1e28)));
        assertEq(settlement.coverage(operator).collateral, COLLATERAL);
        _settleOne(_owed(1000 ether, 1000));
        assertEq(_channel().settled, COLLATERAL * 8444 / 30_000);
    }

    /// @dev Tenfold for one observation of 24 is a rise by three eighths, in which the haircut of four fifths is not even
    ///      noticed; and nobody looking for half a day doubles that, no more.
    function test_AnHourOfASpikeWeighsAnHour() public {
        _skip(1 hours);
        _observe(10 * ONE);
        _skip(1 hours);
        _observe(10 * ONE);
        assertEq(settlement.coverage(operator).collateral, COLLATERAL * (23 + 10) / 24);
    }

    function test_ASpikeThatNobodyAnswersWeighsTwoHours() public {
        _skip(1 hours);
        _observe(10 * ONE);
        _skip(12 hours);
        feed.setAnswer(10 * ONE);
        assertEq(settlement.coverage(operator).headroom, 0);
        oracle.update();
        // 12 hours of one less the last, two hours of ten, and the rest of the night for nothing.
        (uint256 average,,) = oracle.average();
        assertEq(average, uint256(12 + 2 * 10) * 1 ether / 14);
    }

    /// @dev A fall counts at once.
    function test_AFallIsNotAveraged() public {
        feed.setAnswer(ONE / 2);
        assertEq(settlement.coverage(operator).collateral, COLLATERAL / 2);
        assertEq(oracle.fallBps(), 5000);
    }
}
